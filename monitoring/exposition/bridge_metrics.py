"""Metrics of the bridge itself: its processes, database, disk and logins. Pure."""

from __future__ import annotations

from monitoring.exposition.buckets import COMMANDS, FORWARDING, LAGS
from monitoring.exposition.label_sets import (
    CLIENT_DROPS,
    DENIALS,
    PEER_REFUSALS,
    POINT,
    REASON,
    RECORDING_PROBLEMS,
    RESULT,
    SIP_CALLS,
    SIP_REFUSALS,
    STATE,
    WORKER,
)
from monitoring.exposition.metric import Metric, counter, gauge, histogram, info

BRIDGE: tuple[Metric, ...] = (
    info("build_info", "version", "python").help("Version of the bridge."),
    gauge("process_start_time_seconds").help("When the control process started."),
    counter("process_cpu_seconds_total").help("CPU time of the control process."),
    gauge("hosts").help("Hosts of the bridge that the topology names; 1 where it names none."),
    gauge("hosts_waiting").help("Other hosts that could lead now, as the database knows them."),
    gauge("workers", STATE, state=("ready", "away")).help("Media workers by state."),
    counter("worker_starts_total", WORKER).help(
        "Starts of the worker seen by this control process."
    ),
    gauge("worker_conferences", WORKER).help("Conferences that a worker of points holds."),
    gauge("worker_uptime_seconds", WORKER).help("Since the worker's start."),
    histogram("worker_forwarding_delay_seconds", FORWARDING, WORKER).help(
        "From a packet's arrival in the kernel until its copies were handed back, sampled."
    ),
    counter("worker_packets_received_total", WORKER).help("Media packets received."),
    counter("worker_packets_forwarded_total", WORKER).help("Media packets sent to receivers."),
    counter("worker_bytes_forwarded_total", WORKER).help("Octets sent to receivers."),
    counter("worker_packets_dropped_total", WORKER, REASON).help(
        "Datagrams and packets that were not used, by reason."
    ),
    counter("worker_cpu_seconds_total", WORKER).help("CPU time of the worker."),
    gauge("worker_resident_memory_bytes", WORKER).help("Memory of the worker."),
    gauge("worker_spare_ready").help(
        "1: beside each worker another waits to take its place; 0: one would be started."
    ),
    gauge("worker_compiled", WORKER).help("1: the compiled turn forwards media, 0: Python does."),
    counter("worker_gso_batches_total", WORKER).help("Calls that sent several packets at once."),
    counter("worker_gso_segments_total", WORKER).help("Packets sent by those calls."),
    counter("worker_key_frame_requests_received_total", WORKER).help(
        "Key frames that receivers asked for, viewers among them."
    ),
    counter("worker_key_frame_requests_sent_total", WORKER).help(
        "Key frames that senders were asked for: far fewer, however many ask."
    ),
    gauge("worker_event_loop_lag_seconds", WORKER).help(
        "How late the worker's loop runs, a fading maximum."
    ),
    histogram("event_loop_lag_seconds", LAGS).help(
        "How late the control process's loop runs, ten looks a second."
    ),
    gauge(
        "transports", STATE, state=("checking", "connecting", "connected", "vanished", "failed")
    ).help("Transports of the worker by state."),
    counter("transport_failures_total", REASON, reason=("ice", "dtls", "consent")).help(
        "Transports that failed: no ICE check came, DTLS did not end, or silence."
    ),
    gauge("websocket_clients").help("Pages that are connected."),
    counter("websocket_drops_total", REASON, reason=CLIENT_DROPS).help(
        "WebSockets that the bridge closed, by reason."
    ),
    histogram("database_commit_duration_seconds", COMMANDS).help(
        "Time of a transaction that saves events."
    ),
    counter("database_commit_failures_total").help("Transactions that failed."),
    gauge("database_unsaved_events").help("Events that wait for the database."),
    gauge("recordings_active").help("Conferences of which something is being written."),
    gauge("recordings_wanted").help("Conferences that are to be recorded now."),
    counter("recordings_ended_total", REASON, reason=RECORDING_PROBLEMS).help(
        "Recordings that ended by themselves: too little space, a folder that is away or cannot "
        "be written, an error of the disk."
    ),
    counter("recordings_bad_ranges_total").help(
        "Requests for ranges of recordings that there are not."
    ),
    gauge("recordings_bytes").help("Size of the folder of recordings."),
    gauge("recordings_writable").help("1: the folder of recordings can be written, 0: it cannot."),
    gauge("recordings_missing").help("Recordings that are kept and have no file in the folder."),
    gauge("recordings_damaged").help(
        "Recordings whose file was not what the log says when it was read last."
    ),
    gauge("recordings_free_bytes").help("Free space where recordings lie."),
    gauge("recordings_least_free_bytes").help("Free space below which recording ends."),
    gauge("disk_free_bytes").help("Free space where the bridge keeps its state."),
    gauge("disk_size_bytes").help("Size of that file system."),
    gauge("certificate_expiry_timestamp_seconds").help(
        "When the server's certificate expires; 0: there is none."
    ),
    gauge("config_last_reload_successful").help(
        "1 where the topology was taken in the last time somebody asked for it."
    ),
    gauge("config_last_reload_success_timestamp_seconds").help(
        "When the topology was last taken in."
    ),
    gauge("sip_gateway_up").help("1 while the SIP gateway listens; 0: no point is a codec, too."),
    gauge("sip_registered").help("1 while a registrar knows the gateway; 0: there is none, too."),
    gauge("sip_calls_up").help("Calls with codecs that are up."),
    gauge("sip_transcoded_pictures").help(
        "Directions of these calls whose pictures are coded anew."
    ),
    counter("sip_calls_total", RESULT, result=SIP_CALLS).help(
        "Calls to codecs (dialled), calls of codecs that were taken (answered), calls to codecs "
        "that did not come (failed)."
    ),
    counter("sip_refused_total", REASON, reason=SIP_REFUSALS).help(
        "What the SIP gateway refused or ignored: messages, calls, RTP of others."
    ),
    gauge("peers", STATE, state=("connected", "away")).help(
        "Other bridges that are points here, by whether their control process is connected."
    ),
    gauge("peers_with_media").help("Other bridges with which pictures and sound can flow."),
    gauge("peer_away", POINT).help(
        "1 for a point that is another bridge, is called by a conference here and is not connected."
    ),
    counter("peer_refused_total", REASON, reason=PEER_REFUSALS).help(
        "Connections with other bridges that failed, and what was not taken from them, by reason: "
        "flood are messages, requests those for the floor, members points of attendance."
    ),
    counter("authentication_failures_total", REASON, reason=DENIALS).help(
        "Refused keys, passwords and codes."
    ),
)
