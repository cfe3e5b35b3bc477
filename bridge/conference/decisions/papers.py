"""Decisions about papers: which a conference has, and which page everybody is shown."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.decisions.outcome import Outcome, no
from bridge.conference.model import MAX_PAPERS, Actor, State


def presents(state: State, actor: Actor) -> bool:
    """Whether somebody may turn pages: the direction; of the points the chair, and who speaks; in a
    desk call both."""
    if actor.kind != "point":
        return True
    speaks = state.floor is not None and state.floor.point == actor.name
    return speaks or actor.name == state.chair or state.call is not None


def show(state: State, command: c.ShowPage, actor: Actor, now: float) -> Outcome:
    if not presents(state, actor):
        return no("refusal.not_presenting")
    shown = state.showing
    ident = command.paper if command.paper is not None else (shown.paper if shown else None)
    if ident is None:
        return no("refusal.no_paper_shown")
    paper = state.papers.get(ident)
    if paper is None or (actor.kind == "point" and not paper.for_point(actor.name)):
        return no("refusal.unknown_paper", paper=ident)
    if command.page > paper.pages:
        return no("refusal.unknown_page", page=str(command.page), pages=str(paper.pages))
    event = e.PageShown(
        paper=ident,
        version=paper.version,
        page=command.page,
        zoom=round(command.zoom, 3),
        x=round(command.x, 4),
        y=round(command.y, 4),
    )
    return () if shown == e.showing(event) else (event,)


def put_away(state: State, _: c.PutAway, actor: Actor, now: float) -> Outcome:
    if not presents(state, actor):
        return no("refusal.not_presenting")
    return stop(state)


def stop(state: State) -> tuple[e.Event, ...]:
    """No paper is shown any more, where one is."""
    return (e.PaperPutAway(paper=state.showing.paper),) if state.showing is not None else ()


def keep_strokes(state: State, command: c.KeepStrokes, actor: Actor, now: float) -> Outcome:
    return (
        e.StrokesKept(
            paper=command.paper,
            version=command.version,
            pages=command.pages,
            kept=command.kept,
            sha256=command.sha256,
        ),
    )


def attach(state: State, command: c.AttachPaper, actor: Actor, now: float) -> Outcome:
    paper = command.newest
    if state.papers.get(paper.id) == paper:
        return ()
    if paper.id not in state.papers and len(state.papers) >= MAX_PAPERS:
        return no("refusal.too_many_papers", count=str(MAX_PAPERS))
    attached = e.PaperAttached(paper=paper)
    shown = state.showing
    if shown is None or shown.paper != paper.id or shown.page <= paper.pages:
        return (attached,)
    return (*stop(state), attached)  # the new version has no such page


def withdraw(state: State, command: c.WithdrawPaper, actor: Actor, now: float) -> Outcome:
    if command.paper not in state.papers:
        return ()
    shown = state.showing
    away = stop(state) if shown is not None and shown.paper == command.paper else ()
    return (*away, e.PaperWithdrawn(paper=command.paper))
