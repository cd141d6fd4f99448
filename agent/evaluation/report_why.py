"""The part of a report that says where it fails, and what to swap first."""

from __future__ import annotations

from html import escape

from .diagnosis import WORDS, Diagnosis, Gain


def where_it_fails(why: Diagnosis) -> str:
    """Return the table of parts, the advice, and what was seen of each question."""
    if not why.blames:
        return "<h2>Where it fails</h2><p>No question failed.</p>"
    advice = f"<p><b>{escape(why.swap.sentence)}</b></p>" if why.swap else ""
    setting = (
        f"<p><code>{escape(why.swap.setting)}</code></p>" if why.swap and why.swap.setting else ""
    )
    rows = "".join(_row(gain) for gain in why.gains)
    seen = "".join(
        f'<tr><td class="id">{escape(one.question_id)}</td><td>{one.failed}</td>'
        f"<td>{escape(WORDS[one.part])}{'' if one.proven else ' (not proven)'}</td>"
        f"<td>{escape(one.detail)}</td></tr>"
        for one in why.blames
    )
    return (
        f"<h2>Where it fails: {escape(why.strategy)}</h2>"
        f"<p>{escape(why.sentence)}</p>{advice}{setting}"
        '<div class="wide"><table><thead><tr><th>part</th><th class="n">questions lost</th>'
        '<th class="n">proven</th><th class="n">points to gain</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f'<p class="soft">Each question that failed was run again, {why.reruns} runs in all, '
        "with the answer put in at one point after another and all else as it was. The first "
        "part that this repaired is the one that lost it.</p>"
        '<details><summary>What was seen of each question</summary><div class="wide"><table>'
        f"<tbody>{seen}</tbody></table></div></details>"
    )


def _row(gain: Gain) -> str:
    return (
        f'<tr><th>{escape(gain.name)}</th><td class="n">{gain.lost}</td>'
        f'<td class="n">{gain.proven}</td><td class="n">{gain.points:.1f}</td></tr>'
    )
