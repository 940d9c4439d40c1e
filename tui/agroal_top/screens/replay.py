"""The keys of a recording, for the main screen while one is shown."""

from __future__ import annotations

from agroal_top.places import BadPlace
from agroal_top.replay import SPEEDS, ReplaySource
from agroal_top.screens.ask import Ask
from agroal_top.screens.files import Files
from agroal_top.views.playing import Playing, line
from agroal_top.views.text import Part


class Replay(Files):
    """Without a recording these do nothing, and `check_action` hides them."""

    @property
    def recording(self) -> ReplaySource | None:
        source = self.top.source
        return source if isinstance(source, ReplaySource) else None

    def banner(self) -> list[Part]:
        if (recording := self.recording) is None:
            return super().banner()
        share = recording.position / recording.duration if recording.duration else 1.0
        return line(Playing(recording.wall, share, recording.speed, recording.playing))

    def action_pause(self) -> None:
        if recording := self.recording:
            recording.play(not recording.playing)
            self.paint_frame()
        else:
            super().action_pause()

    def action_step(self, frames: int) -> None:
        if recording := self.recording:
            recording.step(frames)

    def action_skip(self, seconds: int) -> None:
        if recording := self.recording:
            recording.seek(recording.position + seconds)

    def action_seek(self) -> None:
        if recording := self.recording:

            def wrong(text: str) -> str:
                try:
                    recording.place_of(text)
                except BadPlace as error:
                    return str(error)
                return ""

            def said(text: str | None) -> None:
                if text is not None:
                    recording.seek(recording.place_of(text))

            hint = "12:04 or 12:04:15, a day before it, +5m, -30s, 50%"
            self.app.push_screen(Ask("go to", hint, wrong=wrong), said)

    def action_speed(self) -> None:
        if recording := self.recording:
            slower = [speed for speed in SPEEDS if speed <= recording.speed]
            recording.set_speed(SPEEDS[len(slower) % len(SPEEDS)])
            self.paint_frame()

    def action_mark(self, direction: int) -> None:
        if recording := self.recording:
            place = recording.next_mark() if direction > 0 else recording.previous_mark()
            if place is None:
                self.app.notify("there is no event any more in this direction", markup=False)
            else:
                recording.seek(place)
