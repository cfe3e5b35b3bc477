"""What a peer says to the bridge, without a bridge."""

from __future__ import annotations

from bridge.media import rtp
from endpoints.webrtc.peer import peer_connection, without_remb


async def test_an_offer_has_no_abs_send_time_and_is_otherwise_whole() -> None:
    pc = peer_connection()
    try:
        pc.addTransceiver("video", direction="recvonly")
        await pc.setLocalDescription(await pc.createOffer())
        offer = pc.localDescription.sdp
        shorter = without_remb(offer)
        assert rtp.URI_ABS_SEND_TIME in offer
        assert rtp.URI_ABS_SEND_TIME not in shorter
        gone = set(offer.splitlines()) - set(shorter.splitlines())
        assert [line.split(":")[0] for line in gone] == ["a=extmap"]
        assert shorter.endswith("\r\n")
    finally:
        await pc.close()
