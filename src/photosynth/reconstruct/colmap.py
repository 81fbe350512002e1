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

from photosynth.core.camera import Camera
from photosynth.core.capture import CapturedPhoto
from photosynth.core.codec import write_atomic
from photosynth.core.errors import ConfigError, EngineError
from photosynth.core.geometry import as_matrix4, invert_rigid
from photosynth.core.progress import Progress, Silent
from photosynth.core.record import Record
from photosynth.core.rng import rng_for
from photosynth.reconstruct.pairs import all_pairs, neighbour_pairs, similar_pairs, word_histograms
from photosynth.reconstruct.sparse import SparseModel

DATABASE = "database.db"
EXTRACT_BLOCK = 4
MATCH_BLOCK = 64
POLL_S = 0.2
SMALL_SIDE_PX = 800
"""Pictures up to this are always enlarged before features are looked for."""


class SfmConfig(Record, frozen=True, kw_only=True):
    """Settings of structure from motion."""

    max_side_px: int = 1600
    """Features are looked for in pictures of at most this side; bounds the memory at about 1.5 GB a thread."""
    max_features: int = 4096
    """Features kept of each picture."""
    upsample: bool = False
    """Look for features in pictures enlarged twofold: finds more in small or soft photos, at four times the work."""
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


def register(
    photos: Sequence[CapturedPhoto],
    folder: Path,
    work: Path,
    config: SfmConfig,
    *,
    masks: Path | None = None,
    progress: Progress | None = None,
) -> tuple[SparseModel, ...]:
    """Find where the photos were taken from; every connected model that was found, the largest first.

    Args:
        photos: those to use (two or more), with `file` relative to `folder`.
        folder: the capture folder.
        work: a folder for the database; kept between calls with the same photos and masks, whoever calls again.
        config: settings.
        masks: a folder with FILE.png for each photo's file (its name without folders); features are taken only
            where a mask is not black. Photos without a mask are used whole.
        progress: is told of pictures, pairs and registrations.

    Raises:
        ConfigError: for fewer than two photos.
        EngineError: if COLMAP fails.
    """
    if len(photos) < 2:
        raise ConfigError(f"{len(photos)} photo to register; at least two are needed, twenty or more are good")
    progress = progress or Silent()
    session = _Session(photos, Path(folder), Path(work), config, masks, progress)
    session.extract()
    session.match()
    use_priors = config.focal_priors != "ignore"
    models = session.map(use_priors)
    if config.focal_priors == "auto" and any(p.focal_px for p in photos) and _contradicts(models, photos):
        progress.note("the photos contradict the focal lengths in their EXIF; trying without them")
        again = session.map(False)
        if _registered(again) >= _registered(models):
            models = again
    return models


def _registered(models: Sequence[SparseModel]) -> int:
    return max((len(m.files) for m in models), default=0)


def _contradicts(models: Sequence[SparseModel], photos: Sequence[CapturedPhoto]) -> bool:
    """Whether a focal length moved far from its prior, or a third of the photos was left out."""
    if _registered(models) < 2 / 3 * len(photos):
        return True
    prior = {p.file: p.focal_px for p in photos}
    ratios = [c.focal_px / prior[f] for f, c in zip(models[0].files, models[0].cameras, strict=True) if prior[f]]
    return any(not 0.8 < r < 1.25 for r in ratios)


class _Session:
    """One database and what is done to it."""

    def __init__(
        self,
        photos: Sequence[CapturedPhoto],
        folder: Path,
        work: Path,
        config: SfmConfig,
        masks: Path | None,
        progress: Progress,
    ) -> None:
        import pycolmap

        pycolmap.logging.minloglevel = 2
        self.colmap: Any = pycolmap
        self.photos, self.folder, self.work, self.config = list(photos), folder, work, config
        self.masks, self.progress = masks, progress
        self.work.mkdir(parents=True, exist_ok=True)
        self.database = self.work / DATABASE

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
        options.sift.max_num_features = self.config.max_features
        options.sift.first_octave = -1 if self._upsample(block) else 0
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
        return self.config.upsample or max(block[0].size_wh) <= SMALL_SIDE_PX

    def _mask_folder(self, block: list[CapturedPhoto]) -> Path:
        """Masks under the names COLMAP wants: FILE.png beside each other as the pictures are."""
        target = self.work / "masks"
        for photo in block:
            source = Path(self.masks or "") / f"{Path(photo.file).name}.png"
            if source.is_file():
                place = target / f"{photo.file}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, place)
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

    def map(self, use_priors: bool) -> tuple[SparseModel, ...]:
        """Incremental mapping; every model found, the largest first."""
        colmap = self.colmap
        self._set_priors(use_priors)
        options = colmap.IncrementalPipelineOptions()
        options.num_threads = self.config.num_threads
        options.random_seed = self.config.seed
        options.min_model_size = 3
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
        models = [_own(r) for r in found.values()]
        return tuple(sorted((m for m in models if len(m.files) > 1), key=lambda m: (-len(m.files), m.files)))

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


def _own(reconstruction: Any) -> SparseModel:
    """COLMAP's model in our records. SIMPLE_RADIAL's k is OpenCV's k1, and both put pixel centres at +0.5."""
    images = sorted((reconstruction.images[i] for i in reconstruction.reg_image_ids()), key=lambda i: i.name)
    index = {image.image_id: k for k, image in enumerate(images)}
    cameras = []
    for image in images:
        lens = reconstruction.cameras[image.camera_id]
        focal, cx, cy, k1 = lens.params
        cam_from_world = np.eye(4)
        cam_from_world[:3] = image.cam_from_world().matrix()
        cameras.append(
            Camera(
                size_wh=(int(lens.width), int(lens.height)),
                focal_px=float(focal),
                principal_px=(float(cx), float(cy)),
                world_from_cam=as_matrix4(invert_rigid(cam_from_world)),
                distortion=(float(k1), 0.0, 0.0, 0.0, 0.0),
            )
        )
    points = [p for _, p in sorted(reconstruction.points3D.items())]
    tracks, pixels = [], []
    for number, point in enumerate(points):
        for element in point.track.elements:
            tracks.append((number, index[element.image_id]))
            pixels.append(reconstruction.images[element.image_id].points2D[element.point2D_idx].xy)
    return SparseModel(
        files=tuple(i.name for i in images),
        cameras=tuple(cameras),
        points=np.array([p.xyz for p in points], dtype=float).reshape(-1, 3),
        colors=np.array([p.color for p in points], dtype=np.uint8).reshape(-1, 3),
        errors_px=np.array([p.error for p in points], dtype=np.float32),
        tracks=np.array(tracks, dtype=np.int32).reshape(-1, 2),
        tracks_px=np.array(pixels, dtype=np.float32).reshape(-1, 2),
    )
