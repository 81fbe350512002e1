"""Structure from motion by COLMAP on the CPU: the only module that imports pycolmap.

Every step works on a database file that is kept: what an interrupted run has extracted and matched is not done
again. COLMAP runs in a thread of its own with a cancellation token, so that an interrupt is obeyed within seconds.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from photosynth.core.capture import CapturedPhoto
from photosynth.core.codec import write_atomic
from photosynth.core.errors import EngineError
from photosynth.core.progress import Progress
from photosynth.core.record import Record
from photosynth.core.rng import rng_for
from photosynth.reconstruct.agreement import SharedView
from photosynth.reconstruct.colmap_records import own_model
from photosynth.reconstruct.pairs import all_pairs, neighbour_pairs, similar_pairs, word_histograms
from photosynth.reconstruct.sparse import SparseModel
from photosynth.reconstruct.turned import as_registered, pictures_folder, pixels_back, turned_files

DATABASES = {False: "database.db", True: "database-high.db"}
EXTRACT_BLOCK = 4
MATCH_BLOCK = 64
POLL_S = 0.2
MIN_SHARED = 30
"""Pairs of pictures with fewer common points than this are no evidence."""
PLAUSIBLE_FOCAL = (0.3, 10.0)
"""Focal length over the longer side that a lens may turn out to have."""
MAX_DISTORTION = 0.5
"""Largest |k| that a lens may turn out to have."""
SMALL_SIDE_PX = 800
"""Pictures up to this are always enlarged before features are looked for."""


class SfmConfig(Record, frozen=True, kw_only=True):
    """Settings of structure from motion."""

    max_side_px: int = 1600
    """Features are looked for in pictures of at most this side; bounds the memory at about 1.5 GB a thread."""
    max_features: int = 3072
    """Features kept of each picture."""
    effort: Literal["auto", "normal", "high"] = "auto"
    """High looks for twice as many features in pictures enlarged twofold, adapts them to the slant of the surface
    (Mikolajczyk & Schmid 2004) and pools them over several sizes (DSP-SIFT, Dong & Soatto 2015), so that photos from
    farther apart match, at about four times the work; auto does so when the normal effort leaves photos out or is not
    convincing."""
    matching: Literal["auto", "exhaustive", "sequential"] = "auto"
    """Which pictures are compared: auto compares all of up to `exhaustive_up_to`, else neighbours and look-alikes."""
    exhaustive_up_to: int = 60
    """The largest set of which every pair is compared."""
    overlap: int = 10
    """Neighbours on each side that are compared in a sequential run."""
    loop_pairs: int = 8
    """Look-alikes elsewhere that each picture is compared with in a sequential run."""
    stationary_px: float = 2.0
    """Matches that moved less than this (at `max_side_px`) are dropped: a still background behind a turntable."""
    focal_priors: Literal["auto", "use", "ignore"] = "auto"
    """Focal lengths from EXIF: auto uses them, and tries again without if the photos contradict them."""
    num_threads: int = 2
    """COLMAP's threads."""
    seed: int = 0
    """Seeds the robust estimators."""


class Session:
    """One database and what is done to it."""

    def __init__(
        self,
        photos: Sequence[CapturedPhoto],
        folder: Path,
        work: Path,
        config: SfmConfig,
        masks: Path | None,
        progress: Progress,
        high: bool = False,
    ) -> None:
        import pycolmap

        pycolmap.logging.minloglevel = 2
        self.colmap: Any = pycolmap
        self.turned = turned_files(photos)
        self.photos, self.work, self.config = as_registered(photos, self.turned), work, config
        self.folder = pictures_folder(photos, self.turned, folder, work)
        self.masks, self.progress, self.high = masks, progress, high
        self.work.mkdir(parents=True, exist_ok=True)
        self.database = self.work / DATABASES[high]

    def extract(self) -> None:
        """Features of every picture that has none yet, a camera for each group."""
        cameras, done = self._groups_so_far()
        self.progress.start("features", len(self.photos), "photos")
        self.progress.advance(len(done))
        groups: dict[str, list[CapturedPhoto]] = {}
        for photo in self.photos:
            groups.setdefault(photo.camera_group, []).append(photo)
        for name, members in groups.items():
            prior = _prior(members)
            todo = [p for p in members if p.file not in done]
            while todo:
                block = todo[:EXTRACT_BLOCK] if name in cameras else todo[:1]
                todo = todo[len(block) :]
                self._extract_block(block, cameras.get(name), prior)
                if name not in cameras:
                    cameras, _ = self._groups_so_far()
                self.progress.advance(len(block))
        missing = sorted({p.file for p in self.photos} - self._groups_so_far()[1])
        if missing:
            raise EngineError("colmap", "features", f"{', '.join(missing)} could not be read; run the capture again")
        self.progress.finish()

    def _extract_block(self, block: list[CapturedPhoto], camera_id: int | None, prior: float | None) -> None:
        colmap, (w, h) = self.colmap, block[0].size_wh
        reader = colmap.ImageReaderOptions()
        reader.camera_model = "SIMPLE_RADIAL"
        if camera_id is not None:
            reader.existing_camera_id = camera_id
        elif prior:
            reader.camera_params = f"{prior},{w / 2},{h / 2},0"
        if self.masks is not None:
            reader.mask_path = str(self._mask_folder(block))
        options = colmap.FeatureExtractionOptions()
        options.max_image_size = self.config.max_side_px
        options.num_threads = self.config.num_threads
        options.use_gpu = False
        options.sift.max_num_features = self.config.max_features * (2 if self.high else 1)
        options.sift.first_octave = -1 if self._upsample(block) else 0
        options.sift.estimate_affine_shape = options.sift.domain_size_pooling = self.high
        self._call(
            f"features of {block[0].file}",
            colmap.extract_features,
            self.database,
            self.folder,
            image_names=[p.file for p in block],
            camera_mode=colmap.CameraMode.SINGLE,
            reader_options=reader,
            extraction_options=options,
            device=colmap.Device.cpu,
        )

    def _upsample(self, block: list[CapturedPhoto]) -> bool:
        return self.high or max(block[0].size_wh) <= SMALL_SIDE_PX

    def _mask_folder(self, block: list[CapturedPhoto]) -> Path:
        """Masks under the names and in the sizes that COLMAP wants; white where there is none: COLMAP skips others."""
        from PIL import Image

        target = self.work / "masks"
        for photo in block:
            source = Path(self.masks or "") / f"{Path(photo.file).name}.png"
            place = target / f"{photo.file}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            if source.is_file():
                with Image.open(source) as image:
                    grey = image.convert("L")
                grey = grey.transpose(Image.Transpose.ROTATE_90) if photo.file in self.turned else grey
                mask = grey.resize(photo.size_wh, Image.Resampling.NEAREST)
            else:
                mask = Image.new("L", photo.size_wh, 255)
            mask.save(place)
        return target

    def _groups_so_far(self) -> tuple[dict[str, int], set[str]]:
        """Camera ids by group, and the pictures that have features."""
        if not self.database.is_file():
            return {}, set()
        group_of = {p.file: p.camera_group for p in self.photos}
        with self.colmap.Database.open(self.database) as db:
            images = db.read_all_images()
            done = {i.name for i in images if db.exists_keypoints(i.image_id) and db.exists_descriptors(i.image_id)}
        return {group_of[i.name]: i.camera_id for i in images if i.name in group_of}, done & set(group_of)

    def match(self) -> None:
        """Compare the pictures in blocks of pairs; pairs that the database has are not compared again."""
        pairs = self._pairs()
        with self.colmap.Database.open(self.database) as db:
            ids = {i.name: i.image_id for i in db.read_all_images()}
            names = [p.file for p in self.photos]
            todo = [
                (a, b)
                for a, b in pairs
                if not db.exists_two_view_geometry(ids[names[a]], ids[names[b]])
                or not db.exists_matches(ids[names[a]], ids[names[b]])
            ]
        self.progress.start("matching", len(pairs), "pairs")
        self.progress.advance(len(pairs) - len(todo))
        for start in range(0, len(todo), MATCH_BLOCK):
            block = todo[start : start + MATCH_BLOCK]
            listing = self.work / "pairs.txt"
            write_atomic(listing, "".join(f"{names[a]} {names[b]}\n" for a, b in block).encode())
            self._match_block(listing)
            self.progress.advance(len(block))
        self.progress.finish()

    def _match_block(self, listing: Path) -> None:
        colmap = self.colmap
        options = colmap.FeatureMatchingOptions()
        options.num_threads = self.config.num_threads
        options.use_gpu = False
        pairing = colmap.ImportedPairingOptions()
        pairing.match_list_path = str(listing)
        self._call(
            "matching",
            colmap.match_image_pairs,
            self.database,
            matching_options=options,
            pairing_options=pairing,
            verification_options=self._two_view_options(),
            device=colmap.Device.cpu,
        )

    def _two_view_options(self) -> Any:
        options = self.colmap.TwoViewGeometryOptions()
        options.ransac.random_seed = self.config.seed
        options.filter_stationary_matches = self.config.stationary_px > 0
        shrink = max(max(p.size_wh) for p in self.photos) / self.config.max_side_px
        options.stationary_matches_max_error = self.config.stationary_px * max(shrink, 1.0)
        options.ransac.max_error = 4.0 * max(shrink, 1.0)
        return options

    def _pairs(self) -> list[tuple[int, int]]:
        n, config = len(self.photos), self.config
        if config.matching == "exhaustive" or (config.matching == "auto" and n <= config.exhaustive_up_to):
            return all_pairs(n)
        with self.colmap.Database.open(self.database) as db:
            ids = {i.name: i.image_id for i in db.read_all_images()}
            bags = [np.asarray(db.read_descriptors(ids[p.file]).data)[:1000] for p in self.photos]
        histograms = word_histograms(bags, rng_for(config.seed, 0, "visual words"))
        near = neighbour_pairs(n, config.overlap)
        return near + sorted(set(similar_pairs(histograms, config.loop_pairs, config.overlap)) - set(near))

    def map(self, use_priors: bool, min_matches: int = 15) -> tuple[SparseModel, ...]:
        """Incremental mapping; every model found, taken apart where no pair of pictures links it, the largest first."""
        colmap = self.colmap
        self._set_priors(use_priors)
        options = colmap.IncrementalPipelineOptions()
        options.num_threads = self.config.num_threads
        options.random_seed = self.config.seed
        options.min_model_size = 3
        options.min_num_matches = min_matches
        for bounds in (options, options.mapper, options.triangulation):
            bounds.min_focal_length_ratio, bounds.max_focal_length_ratio = PLAUSIBLE_FOCAL
            bounds.max_extra_param = MAX_DISTORTION
        options.max_num_models = 10
        options.image_names = [p.file for p in self.photos]
        target = self.work / "mapping"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        self.progress.start("registering", len(self.photos), "photos")
        left = [len(self.photos)]

        def one_more() -> None:
            if left[0] > 0:
                left[0] -= 1
                self.progress.advance()

        found = self._call(
            "registration",
            colmap.incremental_mapping,
            self.database,
            self.folder,
            target,
            options=options,
            initial_image_pair_callback=one_more,
            next_image_callback=one_more,
        )
        shutil.rmtree(target, ignore_errors=True)
        self.progress.finish()
        models, shared = [], self.shared_views()
        for reconstruction in found.values():
            try:
                models.extend(own_model(reconstruction, shared, self.turned).linked_parts())
            except ValueError as error:  # no lens has such coefficients: the component is wrong
                self.progress.note(f"a model of {reconstruction.num_reg_images()} photos was thrown away: {error}")
        return tuple(sorted((m for m in models if len(m.files) > 1), key=lambda m: (-len(m.files), m.files)))

    def shared_views(self) -> list[SharedView]:
        """What COLMAP found each pair of pictures to have in common."""
        found = []
        with self.colmap.Database.open(self.database) as db:
            names = {i.image_id: i.name for i in db.read_all_images()}
            wanted = {p.file for p in self.photos}
            points = {k: np.asarray(db.read_keypoints(k))[:, :2] for k, name in names.items() if name in wanted}
            heights = {p.file: p.size_wh[1] for p in self.photos}
            points |= {k: pixels_back(p, heights[names[k]]) for k, p in points.items() if names[k] in self.turned}
            for pair_id, geometry in zip(*db.read_two_view_geometries(), strict=True):
                a, b = self.colmap.pair_id_to_image_pair(pair_id)
                matches = np.asarray(geometry.inlier_matches)
                if a in points and b in points and len(matches) >= MIN_SHARED:
                    pixels = points[a][matches[:, 0]], points[b][matches[:, 1]]
                    found.append(SharedView(names[a], names[b], *pixels))
        return found

    def _set_priors(self, use: bool) -> None:
        """Put every group's camera to its prior, or to a guess that is not trusted; verify matches again if changed."""
        priors = {
            p.camera_group: _prior([q for q in self.photos if q.camera_group == p.camera_group]) for p in self.photos
        }
        changed = False
        with self.colmap.Database.open(self.database) as db:
            group_of = {p.file: p.camera_group for p in self.photos}
            for image in db.read_all_images():
                camera = db.read_camera(image.camera_id)
                prior = priors.get(group_of.get(image.name, "")) if use else None
                if camera.has_prior_focal_length != bool(prior):
                    camera.has_prior_focal_length = bool(prior)
                    camera.params = [prior or 1.2 * max(camera.width, camera.height), *camera.params[1:]]
                    db.update_camera(camera)
                    changed = True
            if changed:
                db.clear_two_view_geometries()
        if changed:
            self._call(
                "verification",
                self.colmap.geometric_verification,
                self.database,
                two_view_geometry_options=self._two_view_options(),
            )

    def _call(self, what: str, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Run COLMAP in a thread; an interrupt cancels it. Raises EngineError if it fails."""
        token = self.colmap.CancellationToken()
        outcome: dict[str, Any] = {}

        def work() -> None:
            try:
                outcome["value"] = function(*args, **named, cancellation_token=token)
            except Exception as error:
                outcome["error"] = error

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(POLL_S)
        except BaseException:
            token.cancel()
            thread.join(30)
            raise
        if "error" in outcome:
            raise EngineError("colmap", what, str(outcome["error"])) from outcome["error"]
        return outcome["value"]


def _prior(members: Sequence[CapturedPhoto]) -> float | None:
    """The median focal length that the EXIF of a group tells, in pixels."""
    known = [p.focal_px for p in members if p.focal_px]
    return float(np.median(known)) if known else None
