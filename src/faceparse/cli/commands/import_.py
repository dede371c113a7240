"""`faceparse import`: convert a checkpoint, published or your own, to a safetensors file with its card."""

from __future__ import annotations

from pathlib import Path

from typer import Argument, Option

from faceparse.cli.say import say


def command(
    checkpoint: Path = Argument(..., help="A .pt, .pth, .ckpt, .safetensors or .caffemodel file, or a zip."),
    network: str = Option(..., help="Name of its network, such as bisenet-resnet18."),
    output: Path = Option(..., "--output", "-o", help="The .safetensors file to write."),
    dinov3: Path | None = Option(None, help="Meta's DINOv3 .pth file, for a checkpoint without it."),
    decoder_only: bool = Option(False, "--decoder-only", help="Write a .ckpt without DINOv3, as published."),
    card: str | None = Option(None, help="Card id or TOML file, for a file whose SHA-256 no card has."),
    overwrite: bool = Option(False, "--overwrite", help="Replace an existing output file."),
) -> None:
    """Import a checkpoint: read it safely, check every tensor, write safetensors with its card inside.

    Example: `faceparse import 79999_iter.pth --network bisenet-zllrunning -o 79999.safetensors`
    """
    from faceparse.errors import ConfigError
    from faceparse.models import import_checkpoint, write_decoder_only

    if decoder_only:
        if dinov3 is not None or card is not None:
            raise ConfigError("--decoder-only writes neither DINOv3 nor card: leave out --dinov3 and --card")
        write_decoder_only(checkpoint, network, output, overwrite=overwrite)
        say(f"{output}: without DINOv3")
        return
    parts = {} if dinov3 is None else {"dinov3": dinov3}
    its_card = import_checkpoint(checkpoint, network, output, card=card, overwrite=overwrite, **parts)
    say(f"{output}: card {its_card.id}")
    say(f"terms: {its_card.licence.terms}")
    if its_card.limits:
        say(f"limits: {its_card.limits}")
