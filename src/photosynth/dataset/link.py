"""Pictures from one folder to another without a second copy of their bytes."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from photosynth.core.errors import ArtifactError


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the file system can, else a copy; an older file of that name gives way.

    Raises:
        ArtifactError: if neither works.
    """
    temporary = target.with_name(target.name + ".tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOSPC):
                raise
            shutil.copyfile(source, temporary)
        if target.exists() and target.samefile(temporary):  # rename leaves both names of one file
            temporary.unlink()
        else:
            os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ArtifactError(
            f"cannot link or copy {source} to {target}: {error.strerror or error}. Free space or choose another "
            "folder, then run the same command again: finished work is kept."
        ) from error
