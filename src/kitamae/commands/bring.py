"""`kitamae import`: files that a town hall has, into the city."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import httpx2
import orjson
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from kitamae.commands import messages
from kitamae.commands.control import connect, of_its_city
from kitamae.commands.speech import say
from kitamae.intake.deliver import BATCH, Broker
from kitamae.intake.reading import Reading
from kitamae.intake.report import Report, write_csv
from kitamae.intake.row import Remark, Taken, UnreadableFileError
from kitamae.kernel.problems import BadRequest, Problem
from kitamae.sdk.city import BadCityError, City
from kitamae.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SHOWN: Final = 20


async def bring(
    *files: Path,
    dry_run: bool = False,
    as_: Annotated[str, Parameter(name="--as")] = "",
    type: str = "",
    city: str = "",
    source: str = "",
    json: bool = False,
    report: Path | None = None,
    to: str = "",
    token: Annotated[str, Parameter(env_var="KITAMAE_TOKEN", show_env_var=True)] = "",
    data: Path | None = None,
) -> int:
    """Import files: 自治体標準オープンデータセット CSV, GSI GeoJSON, plain GeoJSON; `jma` or `cap` and then messages of warnings.

    Every row is either taken or reported with its line, column, value and what was expected. Repeating an import,
    also one that was cut off, changes nothing twice. 0 when every row was taken, 1 otherwise.

    Parameters
    ----------
    files
        CSV in UTF-8 or CP932, or GeoJSON. Or `jma` (気象庁防災情報XML) or `cap` (CAP 1.2), then files and folders.
    dry_run
        Read and report; write nothing and ask no server.
    as_
        The files' layout, when it is not to be recognised by its columns, e.g. public_toilets.
    type
        The entities' type for a file of your own layout: each column becomes an attribute of its name.
    city
        全国地方公共団体コード (six digits) or a city's folder, for files that do not say whose they are.
    source
        Where the facts come from; kept with each entity as 出典.
    json
        Print the report as JSON.
    report
        Write every refusal and remark to this file (.json, else CSV). Of messages, --json says all.
    to
        The address of a server; without it the city in the data directory, running or not.
    token
        For --to: a token that may write these types.
    data
        The data directory.

    """
    if not files:
        raise BadRequest(say("name the files to import"))
    settings = of_its_city(
        Settings.chosen(data=data, city=None if city.isdigit() or not city else Path(city))
    )
    if not files[0].exists() and (format := messages.format_of(str(files[0]))):
        if as_ or type or source or report:
            raise BadRequest(say("--as, --type, --source and --report are for tables, not for messages"))
        served = nullcontext() if dry_run else _way(to, token, settings)
        return await messages.take(format, files[1:], settings.city, served, json=json)
    code = city if city.isdigit() else _code(settings.city)
    quiet = json or not sys.stderr.isatty()
    reports: list[Report] = []
    async with nullcontext() if dry_run else _broker(to, token, settings) as broker:
        with Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), disable=quiet, transient=True,
        ) as progress:  # fmt: skip
            for path in files:
                told = Report(str(path))
                reports.append(told)
                try:
                    with Reading(path, city=code, layout=as_, type=type, source=source) as rows:
                        await _one(rows, told, broker, progress)
                except UnreadableFileError as error:
                    told.error = str(error)
                except OSError as error:
                    told.error = say(
                        "{name}: cannot be read: {why}", name=path.name, why=error.strerror or error
                    )
                except Problem as problem:
                    told.taken = (
                        told.created + told.changed + told.same
                    )  # what was read after that is nowhere
                    told.error = say(
                        "{name}: {why}. What was acknowledged stays; repeat the command to go on",
                        name=path.name,
                        why=problem.detail,
                    )
                    break
    if report is not None:
        _write(report, reports)
    if json:
        sys.stdout.buffer.write(
            orjson.dumps([told.as_json() for told in reports], option=orjson.OPT_INDENT_2) + b"\n"
        )
    else:
        for told in reports:
            _print(told, dry_run)
    return 0 if all(told.clean for told in reports) and len(reports) == len(files) else 1


async def _one(rows: Reading, told: Report, broker: Broker | None, progress: Progress) -> None:
    told.layout, told.encoding, told.unknown = rows.layout.id, rows.encoding, rows.unknown
    bar = progress.add_task(rows.path.name, total=rows.size)
    batch: list[Taken] = []
    last = 0
    for outcome in rows:
        last = outcome.line if isinstance(outcome, Taken) else 0
        told.add(outcome)
        if isinstance(outcome, Taken):
            batch.append(outcome)
        if len(batch) == BATCH:
            await _send(batch, told, broker)
            batch.clear()
            progress.update(bar, completed=rows.position)
    await _send(batch, told, broker)
    if rows.unended and last:
        cut = Remark(last, "", "", say("nothing ends this line: was the file cut off within it?"))
        told.remarks.insert(
            0, cut
        )  # about the whole file: it must not be one of those that the screen leaves out
    progress.update(bar, completed=rows.size)


async def _send(batch: list[Taken], told: Report, broker: Broker | None) -> None:
    if not batch or broker is None:
        return
    delivery = await broker.upsert([taken.entity for taken in batch])
    told.created += len(delivery.created)
    told.changed += len(delivery.changed)
    told.same += len(delivery.same)
    lines = {taken.entity["id"]: taken.line for taken in batch}
    for urn, reason in delivery.refused.items():
        told.refuse(lines.get(urn, 0), urn, reason)


@asynccontextmanager
async def _broker(to: str, token: str, settings: Settings) -> AsyncIterator[Broker]:
    async with _way(to, token, settings) as way:
        yield way.broker


@asynccontextmanager
async def _way(to: str, token: str, settings: Settings) -> AsyncIterator[messages.Way]:
    if to:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(base_url=to.rstrip("/"), headers=headers, timeout=60) as client:
            yield messages.Way(Broker(client))
    else:
        async with connect(settings) as client:
            yield messages.Way(Broker(client), client)


def _code(folder: Path | None) -> str:
    try:
        return City.read(folder).code if folder else ""
    except BadCityError as error:
        raise BadRequest(str(error)) from error


def _write(path: Path, reports: list[Report]) -> None:
    if path.suffix == ".json":
        path.write_bytes(
            orjson.dumps([told.as_json() for told in reports], option=orjson.OPT_INDENT_2) + b"\n"
        )
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            write_csv(reports, file)


def _print(told: Report, dry_run: bool) -> None:
    out = Console(highlight=False, soft_wrap=True)

    def line(text: str) -> None:
        out.print(text, markup=False)

    if told.layout:
        sent = (
            say("nothing written (dry run)")
            if dry_run
            else say(
                "{created} new, {changed} changed, {same} as before",
                created=told.created,
                changed=told.changed,
                same=told.same,
            )
        )
        line(
            say(
                "{file}: {layout}, {encoding}: {rows} rows, {taken} taken ({sent}), {refused} refused, {remarks} remarks",
                sent=sent,
                refused=len(told.refused),
                remarks=len(told.remarks),
                **{name: getattr(told, name) for name in ("file", "layout", "encoding", "rows", "taken")},
            )
        )
    if told.error:
        line(told.error)
    if told.unknown:
        line(say("  columns that nothing is made of: {names}", names=", ".join(told.unknown)))
    for refusal in told.refused[:_SHOWN]:
        line(
            say(
                "  refused  line {line}  {column}: {value!r}: expected {expected}",
                line=refusal.line,
                column=refusal.column,
                value=refusal.value,
                expected=refusal.expected,
            )
        )
    for remark in told.remarks[:_SHOWN]:
        where = f"{remark.column}: {remark.value!r}: " if remark.column else ""
        line(say("  kept     line {line}  {where}{note}", line=remark.line, where=where, note=remark.note))
    more = len(told.refused[_SHOWN:]) + len(told.remarks[_SHOWN:])
    if more:
        line(say("  and {n} more: --report FILE writes all of them", n=more))
