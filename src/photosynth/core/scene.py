"""Scene: everything an engine and the compositor need for one picture. Concrete: nothing random is left in it.

Colours named ``_linear`` are linear with sRGB primaries; colours named ``_srgb`` are 8-bit-style values in 0..1
after the sRGB curve. Positions are in the world (metres, +z up) unless the name says otherwise; positions named
``_rel`` are fractions of the picture (0..1 from its top left corner), lengths named ``_rel`` are fractions of its
shorter side.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from photosynth.core.camera import Camera
from photosynth.core.geometry import IDENTITY, Matrix4, Vec2, Vec3, Vec4
from photosynth.core.record import Record


class Placement(Record, frozen=True, kw_only=True):
    """One asset in the scene."""

    asset_id: str
    """Which asset."""
    part: str
    """Which of its parts; the sampler chose one that may be seen from this camera."""
    class_name: str
    """Copied from the asset, so that a scene is readable alone."""
    role: Literal["object", "distractor"] = "object"
    """Distractors are rendered and get an instance id, but no label."""
    world_from_object: Matrix4 = IDENTITY
    """Rotation, uniform scale, translation."""
    roughness: float = 0.5
    """Perceptual roughness (alpha = roughness squared, as in glTF), 0..1."""
    specular_f0: float = 0.04
    """Reflectance at normal incidence; 0.04 is common plastic, paper and glass."""
    albedo_gain_linear: Vec3 = (1.0, 1.0, 1.0)
    """Multiplies the texture: scans differ from the truth in exposure and white balance."""


class Light(Record, frozen=True, kw_only=True):
    """A spherical light that casts shadows (Blender's point light)."""

    position_m: Vec3
    """Its centre."""
    radius_m: float
    """Its radius: larger means softer shadows."""
    power_w: float
    """Radiant power. A white Lambertian surface facing it at distance d has radiance power / (4 pi^2 d^2)."""
    color_linear: Vec3 = (1.0, 1.0, 1.0)
    """Tint from the colour temperature, normalised to luminance 1."""
    temperature_k: float = 6500.0
    """The colour temperature it was made from."""


class Environment(Record, frozen=True, kw_only=True):
    """Light from all around."""

    map_file: str | None = None
    """An equirectangular EXR or HDR: ``"package:NAME.exr"`` for a shipped one, else an absolute path.
    None is a uniform grey of radiance 1. Maps are normalised to mean luminance 1 over the sphere before `strength`;
    engines add the suns that are cut out of them to the lights (render/sunlight.py)."""
    rotation_rad: float = 0.0
    """Turned about +z by this much."""
    strength: float = 0.5
    """Mean radiance. A white Lambertian surface under a uniform one of strength s has radiance s."""


class PlainFill(Record, frozen=True, kw_only=True, tag_field="kind", tag="plain"):
    """One colour, or a straight gradient between two."""

    color_srgb: Vec3
    """At the start."""
    end_srgb: Vec3 | None = None
    """At the end; None for no gradient."""
    angle_rad: float = 0.0
    """Direction of the gradient."""


class PhotoFill(Record, frozen=True, kw_only=True, tag_field="kind", tag="photo"):
    """A crop of a photo."""

    path: str
    """Absolute path of the photo."""
    crop_rel: Vec4 = (0.0, 0.0, 1.0, 1.0)
    """x0, y0, x1, y1 as fractions of the upright photo; stretched to the picture."""
    quarter_turns: int = 0
    """Anticlockwise quarter turns, 0..3."""
    mirrored: bool = False
    """Flipped left to right."""


class EnvironmentFill(Record, frozen=True, kw_only=True, tag_field="kind", tag="environment"):
    """The scene's environment map as the camera sees it (or another map, looked at along another way)."""

    map_file: str
    """As in Environment."""
    yaw_rad: float
    """Direction of view about +z."""
    pitch_rad: float
    """Direction of view above the horizon."""
    roll_rad: float
    """About the axis of view."""
    fov_rad: float
    """Field of view across the picture's shorter side."""
    exposure: float = 1.0
    """Linear gain after normalising the map to mean luminance 1."""


class MeshFill(Record, frozen=True, kw_only=True, tag_field="kind", tag="mesh"):
    """Random coloured metaballs over turbulence, the 2018 pipeline's random colour mesh."""

    seed: int
    """Of its noise and its balls."""
    n_balls: int
    """How many metaballs."""
    octaves: int
    """Of the turbulence (Perlin 1985: sum of |noise| / frequency)."""
    palette_srgb: tuple[Vec3, ...]
    """Two colours or more, mapped over the field."""
    scale_rel: float = 0.3
    """Size of the largest features."""


class PrintFill(Record, frozen=True, kw_only=True, tag_field="kind", tag="print"):
    """Something that looks printed: blocks of colour, lines of text, bars, discs, stripes."""

    seed: int
    """Of its layout."""
    palette_srgb: tuple[Vec3, ...]
    """Paper first, then inks."""
    density: float = 0.5
    """0 almost empty .. 1 crowded."""


class GrainFill(Record, frozen=True, kw_only=True, tag_field="kind", tag="grain"):
    """Wood: boards side by side, the grain running from top to bottom."""

    seed: int
    """Of its rings and fibres."""
    palette_srgb: tuple[Vec3, ...]
    """Early wood first, then late wood; two colours or more."""
    rings: float = 12.0
    """Growth rings across the picture."""
    n_boards: int = 1
    """Boards side by side; 1 for veneer."""
    knottiness: float = 0.5
    """0 straight grain .. 1 wild."""


class WeaveFill(Record, frozen=True, kw_only=True, tag_field="kind", tag="weave"):
    """Cloth: threads over and under each other, in stripes or checks."""

    seed: int
    """Of its stripes and fuzz."""
    palette_srgb: tuple[Vec3, ...]
    """Ground first, then stripes; one colour is plain cloth."""
    threads: int = 96
    """Across the picture."""
    stripe_rel: float = 0.25
    """Distance at which the stripes come again."""
    checked: bool = False
    """Stripes both ways."""


class SpeckleFill(Record, frozen=True, kw_only=True, tag_field="kind", tag="speckle"):
    """Stone, terrazzo or felt: a mottled ground with specks in it."""

    seed: int
    """Of its noise."""
    palette_srgb: tuple[Vec3, ...]
    """Ground first, then specks."""
    speck_rel: float = 0.02
    """Size of a speck."""
    density: float = 0.3
    """Share of the ground that specks cover, 0..1."""


Fill: TypeAlias = PlainFill | PhotoFill | EnvironmentFill | MeshFill | PrintFill | GrainFill | WeaveFill | SpeckleFill


class Slab(Record, frozen=True, kw_only=True):
    """A box of the surroundings that is rendered with the objects: a table top, a shelf's board, a carton's wall.

    It hides, shadows and reflects light like a placement, but has no instance id. Its texture is planar: each of
    its six faces shows the fill repeated every `fill_size_m` along the face's two axes, every other repeat
    mirrored, so that it has no seam inside a face. Row 0 of the fill lies towards +z on upright faces and towards
    +y on the faces that look along z; column 0 towards the lower end of the other axis.
    """

    size_m: Vec3
    """Extent along its own x, y, z; each above 0."""
    world_from_slab: Matrix4
    """Rotation and translation of its centre; scale 1."""
    fill: Fill
    """What it shows, drawn at FILL_SIDE_PX square. Its colours are taken as albedo: linear light 1 is white."""
    fill_size_m: float
    """Side of one repeat."""
    roughness: float = 0.7
    """As in Placement."""
    specular_f0: float = 0.04
    """As in Placement."""
    albedo_gain_linear: Vec3 = (1.0, 1.0, 1.0)
    """As in Placement; the product is clipped to 0..0.95."""


FILL_SIDE_PX = 512
"""Side of the square picture that a slab's fill is drawn into."""


class Patch(Record, frozen=True, kw_only=True, tag_field="kind", tag="patch"):
    """A flat shape pasted into the picture, in front of the objects or behind them."""

    outline_rel: tuple[Vec2, ...]
    """Its corners, three or more."""
    fill: Fill
    """What it shows, stretched over its bounding box."""
    softness_rel: float = 0.003
    """Width of its soft edge."""
    shadow_strength: float = 0.0
    """Darkening of what lies under its shadow, 0..1."""
    shadow_offset_rel: Vec2 = (0.0, 0.0)
    """Where its shadow falls."""
    shadow_blur_rel: float = 0.03
    """Width of the shadow's soft edge."""


class Hand(Record, frozen=True, kw_only=True, tag_field="kind", tag="hand"):
    """A hand that holds the object at its outline: fingers, thumb, palm and arm (core/hand.py).

    It is drawn as large as it is here, but moved to the point of placement 0's outline that is nearest to its anchor.
    """

    anchor_rel: Vec2
    """About where the middle of the fingers that are seen crosses the object's edge: on the outline of its box."""
    inward_rad: float
    """Direction the fingers point, from +x towards +y (down)."""
    finger_width_rel: float
    """Width of a finger."""
    fingers: tuple[Vec2, ...]
    """Those that reach over the edge: index, middle, ring, little finger, thumb. Per finger: length over the edge in
    finger widths, bend in radians."""
    mirrored: bool = False
    """The thumb is clockwise of the fingers as the picture shows them; otherwise the other way round."""
    wrist_rad: float = 0.0
    """The arm's turn at the wrist."""
    skin_srgb: Vec3
    """Its colour."""
    seed: int
    """Of its mottle."""


Occluder: TypeAlias = Patch | Hand


class Background(Record, frozen=True, kw_only=True):
    """What is behind the objects."""

    fill: Fill
    """Covers the whole picture."""
    clutter: tuple[Patch, ...] = ()
    """Pasted over it, behind the objects."""
    match_luminance: float | None = None
    """If given, the background is scaled so that its mean linear luminance is this many times the objects'
    (gain limited to 1/8..8)."""
    contact_shadow: float = 0.0
    """Strength, 0..1, of a soft shadow that the objects drop on the background."""
    contact_offset_rel: Vec2 = (0.0, 0.02)
    """Where it falls."""
    contact_blur_rel: float = 0.03
    """How soft it is."""


class DepthOfField(Record, frozen=True, kw_only=True):
    """A thin lens in focus at one distance.

    A point at depth z is spread over a disc of diameter aperture_m * focal_px * |1 / z - 1 / focus_m| pixels
    (Potmesil and Chakravarty, SIGGRAPH 1981, for focus distances well beyond the focal length).
    """

    aperture_m: float
    """Diameter of the entrance pupil: focal length / f-number. A phone's is about 0.002, a camera's 0.005 to 0.05."""
    focus_m: float
    """Depth of the plane in focus."""


class Finish(Record, frozen=True, kw_only=True):
    """What a camera does to the light, in this order, and the JPEG at the end."""

    exposure_ev: float = 0.0
    """Gain of 2^ev on linear light."""
    auto_exposure: float = 0.0
    """0 leaves the light alone; 1 brings the picture's mean linear luminance to 0.18; between, the geometric mix."""
    depth_of_field: DepthOfField | None = None
    """Blur by depth; None for a lens that is sharp everywhere."""
    defocus_rel: float = 0.0
    """Standard deviation of a Gaussian blur."""
    motion_rel: float = 0.0
    """Length of a straight motion blur."""
    motion_angle_rad: float = 0.0
    """Its direction."""
    vignetting: float = 0.0
    """Fall-off towards the corners: light is multiplied by cos(angle off the axis) to the power 4 * vignetting.
    1 is the cos^4 law of a simple lens, 0 a lens corrected for it."""
    white_balance_linear: Vec3 = (1.0, 1.0, 1.0)
    """Per-channel gain."""
    saturation: float = 1.0
    """1 leaves colours alone, 0 is grey (on linear light, Rec. 709 luminance)."""
    shot_noise: float = 0.0
    """Standard deviation at white of noise that grows with the square root of light."""
    read_noise: float = 0.0
    """Standard deviation, in linear units, of noise that does not."""
    noise_seed: int = 0
    """Of both noises."""
    tone_gamma: float = 1.0
    """Exponent on linear light before the sRGB curve: contrast."""
    tone_shoulder: float = 0.0
    """0 clips at white; above, highlights beyond 1 - tone_shoulder are rolled off (render/color.py: shoulder)."""
    jpeg_quality: int = 90
    """1..100, 4:2:0."""


class Scene(Record, frozen=True, kw_only=True):
    """One picture to be made."""

    index: int
    """Its number in the run."""
    camera: Camera
    """Where it is seen from."""
    placements: tuple[Placement, ...] = ()
    """Placement k has instance id k + 1. Empty for a picture without any object."""
    surroundings: tuple[Slab, ...] = ()
    """Tables, boards and walls. Empty: the objects float before the background."""
    lights: tuple[Light, ...] = ()
    """0 to 8."""
    environment: Environment = Environment()
    """Light from all around."""
    background: Background
    """What is behind."""
    occluders: tuple[Occluder, ...] = ()
    """What is in front, in the picture plane."""
    finish: Finish = Finish()
    """The camera's part."""
    kind: str = "object"
    """``"object"`` (one object or more), ``"empty"`` (nothing in it but, maybe, surroundings) or ``"lookalike"``
    (distractors only)."""
