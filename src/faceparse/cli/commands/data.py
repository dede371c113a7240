"""`faceparse data`: prepare downloads, check data sets, pack results and data sets into other forms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer import Argument, Option

from faceparse.cli import options, words
from faceparse.cli.say import say

if TYPE_CHECKING:
    from faceparse.data.check import Check

_EXAMPLES = 5

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Prepare downloaded data sets, check any data set, and pack results and data sets into other forms.",
)


@app.command("prepare")
def prepare_(
    kind: str = Argument(..., metavar="KIND", help="celebamask-hq, or parts."),
    source: Path = Argument(..., metavar="SRC", help="The download, which is only read."),
    target: Path = Argument(..., metavar="DST", help="The folder to make."),
    order: str = Option(
        "celebamask19",
        help="Scheme of the result and its painting order: celebamask19, maskgan19, segface-celeb19, or any "
        "scheme whose classes are parts.",
    ),
    size: str = Option(
        "masks", help="Size of pictures and label maps: masks, images, or a number of pixels, 16 to 4096."
    ),
    images: Path | None = Option(None, help="Folder of pictures, for KIND parts."),
    no_split: bool = Option(False, "--no-split", help="Write no train.txt, val.txt and test.txt."),
    overwrite: bool = Option(False, "--overwrite", help="Redo what an earlier run wrote."),
    jobs: int | None = options.JOBS,
) -> None:
    """Paint one mask file per part into label maps, and lay out a folder to train on.

    DST gets `images/`, `labels/` (pixel value = label), the official `train.txt`, `val.txt` and `test.txt`, and
    `dataset.json`: painting order, size, and findings about the download. A stopped run continues when it is
    started again.

    `celebamask-hq` is CelebAMask-HQ as it is downloaded, with CelebA's `list_eval_partition.txt` beside it;
    `parts` is a flat folder of masks `STEM_l_brow.png`, as `faceparse parse --save parts` writes them.

    Example: `faceparse data prepare celebamask-hq CelebAMask-HQ celeb --order maskgan19`
    """
    import os
    from functools import partial

    from faceparse.cli.console import print_table, progress_bar
    from faceparse.data.prepare import prepare

    with progress_bar() as progress:
        counts, record = prepare(
            kind,
            source,
            target,
            order,
            images=images,
            splits=not no_split,
            size=size,
            overwrite=overwrite,
            jobs=jobs or os.cpu_count() or 1,
            progress=partial(progress, "painting"),
        )
    hint = " (--overwrite redoes them)" if counts["skipped"] else ""
    done = ", ".join(f"{counts[s]} {s}" for s in ("written", "skipped", "left out") if counts[s])
    say(f"{done}{hint} in {target}")
    if record["splits"]:
        say(", ".join(f"{split} {n}" for split, n in record["splits"].items()))
    if findings := record["findings"]:
        rows = [[kind, str(entry["count"]), str(entry["first"][0])] for kind, entry in findings.items()]
        print_table("", ["finding", "count", "first"], rows)
    say(f"painted in the order of scheme {record['order']}; findings are in {target / 'dataset.json'}")


@app.command("pack")
def pack_(
    source: Path = Argument(
        ...,
        metavar="SOURCE",
        help="Data set folder, output of parse, Parquet of scale, or what pack wrote; it is only read.",
    ),
    output: Path = Option(..., "-o", "--output", parser=words.path, help="The folder to make."),
    to: str = Option(..., "--to", help="tars (WebDataset), parquet, coco, or folder (images/ and masks/)."),
    images: Path | None = Option(
        None, parser=words.path, help="Folder of the photos that parse or scale was given."
    ),
    scheme: str | None = Option(
        None, help="Scheme of the label maps, or a YAML file, if SOURCE states none."
    ),
    where: str = Option("", metavar="CONDITION", help="Which pictures: 'trust > 0.7 and size >= 64'."),
    overwrite: bool = Option(False, "--overwrite", help="Replace the folder of an earlier packing."),
    jobs: int | None = Option(None, min=1, max=1024, help="Number of pictures read at a time."),
) -> None:
    """Pack pictures and their label maps: for training (`--data.kind webdataset` or `parquet`), exchange, or back into a folder.

    Pictures keep their bytes. A picture that cannot be read, or whose label map does not fit, is left out and counted
    with its reason.

    Examples: `faceparse data pack out --images photos -o tars --to tars --where 'trust > 0.7'`,
    `faceparse data pack tars -o faces --to folder`
    """
    import os
    from functools import partial

    from faceparse.cli.console import progress_bar
    from faceparse.pack import pack

    with progress_bar() as progress:
        packing = pack(
            source,
            output,
            to,
            images=images,
            scheme=scheme,
            where=where,
            overwrite=overwrite,
            jobs=jobs or os.cpu_count() or 1,
            progress=partial(progress, "packing"),
        )
    for reason, count in packing.left_out.items():
        say(f"{count:,} left out: {reason}")
    left_out = sum(packing.left_out.values())
    say(f"{packing.pictures:,} packed" + f", {left_out:,} left out" * bool(left_out) + f" in {output}")


@app.command()
def check(
    root: Path = Argument(..., metavar="DIR", help="The data set's folder."),
    scheme: str | None = Option(
        None, help="Scheme of its label maps, or a YAML file; not needed if DIR states one."
    ),
    kind: str = Option("folder", help="Kind of data set; --kind list names them."),
    json_file: Path | None = Option(None, "--json", help="Write all findings and counts here."),
    sheet: Path | None = Option(None, metavar="FILE.png", help="Draw a contact sheet here."),
    jobs: int | None = options.JOBS,
) -> None:
    """Check every file of a data set; exit code 1 if something must be mended.

    It reports counts per class; files that cannot be read; sizes; labels outside the scheme; missing label maps and
    pictures; split files; one picture, or a copy or likeness of it, in two splits; left and right swapped.

    Example: `faceparse data check faces --scheme celebamask19 --sheet faces.png`
    """
    import os
    from functools import partial

    from faceparse.cli.console import progress_bar
    from faceparse.data import kinds
    from faceparse.data.check import check_dataset
    from faceparse.data.sheet import check_sheet
    from faceparse.evaluate.outputs import check_outputs, write_picture
    from faceparse.files import json_bytes, write_atomic

    if kind == "list":
        for name, dataset in kinds().items():
            say(f"{name}: {dataset.title}")
        return
    check_outputs({"--json": json_file, "--sheet": sheet}, root)
    with progress_bar() as progress:
        result = check_dataset(
            root,
            kind=kind,
            scheme=scheme,
            jobs=jobs or os.cpu_count() or 1,
            progress=partial(progress, "checking"),
        )
    if json_file is not None:
        write_atomic(json_file, json_bytes(result.as_dict(), indent=2) + b"\n")
    if sheet is not None:
        write_picture(sheet, check_sheet(result))
    _echo_check(result)
    if result.wrong:
        raise typer.Exit(1)


def _echo_check(result: Check) -> None:
    from faceparse.cli.console import print_table

    total = max(1, int(result.pixels.sum()))
    splits = ", ".join(f"{split} {n}" for split, n in result.splits.items())
    classes = dict(enumerate(result.scheme.classes)) | ({255: "ignore"} if result.pixels[255] else {})
    rows = [
        [str(i), name, f"{result.pictures[i]:,}", f"{100 * int(result.pixels[i]) / total:.2f} %"]
        for i, name in classes.items()
    ]
    title = f"{result.root}: {splits}; {result.scheme.name}"
    print_table(title, ["label", "class", "pictures", "pixels"], rows)
    if result.left_lies:
        agree, contradict = result.sides
        say(
            f"left classes lie on the picture's {result.left_lies} half in {agree:,} pictures, "
            f"{contradict:,} contradict"
        )
    for kind, findings in result.kinds.items():
        say(f"{'WRONG' if findings[0].wrong else 'look'}: {kind}, {len(findings):,}")
        for finding in findings[:_EXAMPLES]:
            say(f"  {finding.text}")
        if len(findings) > _EXAMPLES:
            say(f"  and {len(findings) - _EXAMPLES:,} more (--json FILE has them all)")
    say("something is wrong" if result.wrong else "nothing is wrong")
