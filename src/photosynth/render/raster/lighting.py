"""Light on a block of fragments: environment and spherical lights, with a Lambertian base under a GGX coat.

The coat: Walter et al., "Microfacet Models for Refraction", EGSR 2007 (GGX); Heitz, "Understanding the
Masking-Shadowing Function", JCGT 2014 (height-correlated Smith); its reflectance is in coat. Every loop without a
table runs as vector instructions, see lanes.
"""

from __future__ import annotations

import numpy as np

from photosynth.render.raster.boxes import clears_block, shadow_of_box
from photosynth.render.raster.coat import COAT_STEPS
from photosynth.render.raster.copies import copy_four
from photosynth.render.raster.irradiance import evaluate, terms_of
from photosynth.render.raster.jit import kernel
from photosynth.render.raster.lanes import (
    BLOCK,
    COAT,
    COAT_READ,
    DB,
    DG,
    DR,
    FOURTH,
    GQ,
    GX,
    GY,
    NL,
    NL_RAW,
    NV,
    NX,
    NY,
    NZ,
    OX,
    OY,
    POWER,
    PX,
    PY,
    PZ,
    Q0,
    Q1,
    Q4,
    Q5,
    READ,
    SB,
    SECOND,
    SG,
    SMITH,
    SR,
    T0,
    T1,
    THIRD,
    TSX,
    VISIBLE,
    VL,
    VX,
    VY,
    VZ,
    WX,
    WY,
    Z,
)  # fmt: skip
from photosynth.render.raster.shadow import lit_parts

f4 = np.float32
i4 = np.int32
u8 = np.uint64


@kernel
def orient(s, forward, alpha, map_cos, map_sin, map_side):
    """Make normals unit vectors; find depth, view, reflection and octahedral coordinates.

    Args:
        s: in and out, the scratch array of lanes.
        forward: (3,) float32, the camera's optical axis in the world.
        alpha: float32, width of the coat's lobe.
        map_cos, map_sin: float32, of the environment's rotation.
        map_side: float32, side of the octahedral map without its border.
    """
    fx, fy, fz, a2 = forward[0], forward[1], forward[2], alpha * alpha
    one = f4(1)
    for i in range(BLOCK):
        px, py, pz = s[PX + i], s[PY + i], s[PZ + i]
        s[Z + i] = fx * px + fy * py + fz * pz
        inverse = one / np.sqrt(px * px + py * py + pz * pz + f4(1e-30))
        vx, vy, vz = -px * inverse, -py * inverse, -pz * inverse
        nx, ny, nz = s[NX + i], s[NY + i], s[NZ + i]
        length2 = nx * nx + ny * ny + nz * nz
        flat = length2 < f4(1e-8)
        inverse = one / np.sqrt(length2 + f4(1e-30))
        nx = vx if flat else nx * inverse
        ny = vy if flat else ny * inverse
        nz = vz if flat else nz * inverse
        nv = nx * vx + ny * vy + nz * vz
        s[NX + i], s[NY + i], s[NZ + i] = nx, ny, nz
        s[VX + i], s[VY + i], s[VZ + i] = vx, vy, vz
        level = nv if nv > f4(1e-3) else f4(1e-3)
        s[NV + i] = level
        s[SMITH + i] = np.sqrt(level * level * (one - a2) + a2)
        rx, ry, rz = f4(2) * nv * nx - vx, f4(2) * nv * ny - vy, f4(2) * nv * nz - vz
        mx, my = map_cos * rx + map_sin * ry, map_cos * ry - map_sin * rx
        inverse = one / (abs(mx) + abs(my) + abs(rz) + f4(1e-30))
        u, v = mx * inverse, my * inverse
        fu, fv = one - abs(v), one - abs(u)
        fu = fu if u >= f4(0) else -fu
        fv = fv if v >= f4(0) else -fv
        u = fu if rz < f4(0) else u
        v = fv if rz < f4(0) else v
        s[OX + i] = (u * f4(0.5) + f4(0.5)) * map_side + f4(0.5)
        s[OY + i] = (v * f4(0.5) + f4(0.5)) * map_side + f4(0.5)


@kernel
def add_environment(s, n, diffuse, octahedral, coat, strength, map_cos, map_sin):
    """Start diffuse and coat light with those of the environment and of what stands before it.

    Args:
        s: in and out, the scratch array of lanes; n: the same for integers.
        diffuse: (TERMS, 3) float32, of EnvironmentLight.
        octahedral: (S + 2, S + 2, 4) float32, its map for the coat's roughness.
        coat: (COAT_STEPS + 2,) float32 from coat_table.
        strength: float32, the environment's.
        map_cos, map_sin: float32, of its rotation.
    """
    texels, row = laid_flat(octahedral)
    read_octahedral(s, n, texels, row, coat)
    for i in range(BLOCK):
        low, at = s[COAT_READ + 2 * i], READ + 4 * i
        light = low + (s[COAT_READ + 2 * i + 1] - low) * s[TSX + i]
        fx, fy = s[WX + i], s[WY + i]
        wd = fx * fy
        wb, wc = fx - wd, fy - wd
        wa = f4(1) - fx - wc
        r0, g0, b0 = s[at], s[at + 1], s[at + 2]
        r1, g1, b1 = s[at + SECOND], s[at + SECOND + 1], s[at + SECOND + 2]
        r2, g2, b2 = s[at + THIRD], s[at + THIRD + 1], s[at + THIRD + 2]
        r3, g3, b3 = s[at + FOURTH], s[at + FOURTH + 1], s[at + FOURTH + 2]
        s[COAT + i], light = light, light * strength
        s[SR + i] = light * (wa * r0 + wb * r1 + wc * r2 + wd * r3)
        s[SG + i] = light * (wa * g0 + wb * g1 + wc * g2 + wd * g3)
        s[SB + i] = light * (wa * b0 + wb * b1 + wc * b2 + wd * b3)
    for k in range(3):
        terms = terms_of(diffuse, k)
        for i in range(BLOCK):
            wx, wy = s[NX + i], s[NY + i]
            value = evaluate(map_cos * wx + map_sin * wy, map_cos * wy - map_sin * wx, s[NZ + i], terms)
            value = strength * (value if value > f4(0) else f4(0))
            s[DR + k * BLOCK + i] = value * s[Q0 + i] + s[Q1 + k * BLOCK + i]
            s[SR + k * BLOCK + i] = s[SR + k * BLOCK + i] * s[Q4 + i] + s[COAT + i] * s[Q5 + k * BLOCK + i]


@kernel
def laid_flat(octahedral):
    """All numbers of a map (S, S, 4) one after the other, and how many make a row, int32."""
    return octahedral.reshape(-1), i4(4 * octahedral.shape[0])


@kernel
def read_octahedral(s, n, texels, row, coat):
    """Read four texels of three channels about (OX, OY) and two entries of the coat table into the lanes from READ on;
    their weights go to WX, WY and TSX.

    Args:
        s: in and out, the scratch array of lanes; n: the same for integers.
        texels: (m,) float32, an octahedral map laid flat; row: int32, numbers in one of its rows.
        coat: (COAT_STEPS + 2,) float32 from coat_table.
    """
    limit, last = f4(row // 4) - f4(1.001), i4(COAT_STEPS)
    for i in range(BLOCK):
        x, y, step = s[OX + i], s[OY + i], s[NV + i] * f4(COAT_STEPS)
        x = x if x > f4(0) else f4(0)
        y = y if y > f4(0) else f4(0)
        x = x if x < limit else limit
        y = y if y < limit else limit
        step = step if step > f4(0) else f4(0)
        ix, iy, at = i4(x), i4(y), i4(step if step < f4(COAT_STEPS) else f4(COAT_STEPS))
        s[WX + i], s[WY + i], s[TSX + i] = x - f4(ix), y - f4(iy), step - f4(at)
        n[T0 + i], n[T1 + i] = iy * row + i4(4) * ix, at if at < last else last
    for k in range(BLOCK):
        i = u8(k)
        above, to = u8(n[u8(T0) + i]), u8(READ) + u8(4) * i
        below = above + u8(row)
        copy_four(texels, above, s, to)
        copy_four(texels, above + u8(4), s, to + u8(SECOND))
        copy_four(texels, below, s, to + u8(THIRD))
        copy_four(texels, below + u8(4), s, to + u8(FOURTH))
        at, to = u8(n[u8(T1) + i]), u8(COAT_READ) + u8(2) * i
        s[to], s[to + u8(1)] = coat[at], coat[at + u8(1)]


@kernel
def add_light(s, n, count, light, shadow, layout, texels, boxes, blocks, alpha, eta):
    """Add one spherical light.

    A sphere of radius r at distance d widens the coat's lobe: alpha^2 grows by (r / 2 d)^2, which gives a mirror
    exactly the light's own radiance at the middle of the highlight. Where part of the sphere is below the horizon,
    its cosine fades as a square from r / d to -r / d.

    Args:
        s: in and out, the scratch array of lanes; n: the same for integers.
        count: int, fragments in the block.
        light: (7,) float32: position from the eye along the world's axes, radius, power colour / (4 pi^2).
        shadow: (13,) float32, a row of ShadowMaps.
        layout: (2,) int64, offset and side of its map.
        texels: (n,) float32, all maps.
        boxes: (S, 15) float32 from box_rows.
        blocks: (S,) bool, which of them may hide this light.
        alpha, eta: float32, of the coat: width of its lobe, index of refraction.
    """
    lx, ly, lz, radius2 = light[0], light[1], light[2], light[3] * light[3]
    red, green, blue = light[4], light[5], light[6]
    m00, m01, m02, m10, m11, m12 = shadow[0], shadow[1], shadow[2], shadow[3], shadow[4], shadow[5]
    m20, m21, m22, scale, ox, oy, bias = (
        shadow[6], shadow[7], shadow[8], shadow[9], shadow[10], shadow[11], shadow[12]
    )  # fmt: skip
    offset, side = layout[0], layout[1]
    zero, one = f4(0), f4(1)
    per_texel, per_radius, most = one / scale, one / light[3], one / radius2
    for i in range(BLOCK):
        x, y, z = lx - s[PX + i], ly - s[PY + i], lz - s[PZ + i]
        nx, ny, nz = s[NX + i], s[NY + i], s[NZ + i]
        d2 = x * x + y * y + z * z + f4(1e-20)
        inverse = one / np.sqrt(d2)
        raw = (nx * x + ny * y + nz * z) * inverse
        s[NL_RAW + i] = raw
        s[VL + i] = (s[VX + i] * x + s[VY + i] * y + s[VZ + i] * z) * inverse
        sine, per_sine = light[3] * inverse, d2 * inverse * per_radius
        sine = sine if sine < one else one
        per_sine = per_sine if per_sine > one else one
        low = raw + sine
        low = low if low > zero else zero
        nl = raw if raw >= sine else low * low * f4(0.25) * per_sine
        s[NL + i] = nl
        power = inverse * inverse
        s[POWER + i] = power if power < most else most
        along = -(m20 * x + m21 * y + m22 * z)
        sine = np.sqrt(one - nl * nl if nl < one else zero)
        push = along * per_texel * (f4(0.5) + f4(1.5) * sine) + bias
        x, y, z = nx * push - x, ny * push - y, nz * push - z
        q = one / (m20 * x + m21 * y + m22 * z)
        s[GX + i] = (m00 * x + m01 * y + m02 * z) * q * scale + ox
        s[GY + i] = (m10 * x + m11 * y + m12 * z) * q * scale + oy
        s[GQ + i] = q
    lit_parts(s, n, texels, offset, side)
    for k in range(boxes.shape[0]):
        if blocks[k] and not clears_block(s, count, boxes[k], light):
            shadow_of_box(s, boxes[k], light)
    add_lobes(s, radius2, alpha, eta, red, green, blue)


@kernel
def add_lobes(s, radius2, alpha, eta, red, green, blue):
    """Add what base and coat return of a light of that color. With h the half vector, |l + v|^2 = 2 + 2 l.v, so
    neither it nor its length is needed, and all quotients are one."""
    a2, eta2, one = alpha * alpha, eta * eta - f4(1), f4(1)
    for i in range(BLOCK):
        nv, nl, power = s[NV + i], s[NL + i], s[POWER + i]
        both = s[NL_RAW + i] + nv
        length2 = f4(2) + f4(2) * s[VL + i]
        length2 = length2 if length2 > f4(1e-12) else f4(1e-12)
        vh2 = f4(0.25) * length2
        vh, g = np.sqrt(vh2), np.sqrt(eta2 + vh2)
        low, high = g - vh, g + vh
        side, up = vh * low + one, vh * high - one
        fresnel_above = low * low * (side * side + up * up)
        fresnel_below = high * high * side * side
        wide2 = a2 + f4(0.25) * radius2 * power
        wide2 = wide2 if wide2 < one else one
        both2 = both * both
        both2 = both2 if both2 < length2 else length2
        d = both2 * (wide2 - one) + length2
        smith = nl * s[SMITH + i] + nv * np.sqrt(nl * nl * (one - a2) + a2)
        base = power * nl * s[VISIBLE + i]
        above = f4(0.25) * fresnel_above * wide2 * (length2 * length2)
        coat = base * above / (fresnel_below * d * d * smith + f4(1e-20))
        s[DR + i] += red * base
        s[DG + i] += green * base
        s[DB + i] += blue * base
        s[SR + i] += red * coat
        s[SG + i] += green * coat
        s[SB + i] += blue * coat
