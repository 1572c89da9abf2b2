//! Boxes of all kinds as corners, fractions of width and height.

use super::ImportError;

/// How much further over an edge than the picture is large a corner may lie: beyond, its unit is not what it seems.
const MAX_OVER: f64 = 1.0;

/// As far over an edge a corner is there by rounding, which is not worth a word.
const ROUNDING: f64 = 1e-3;

/// Width and height in pixels, as the value at `path` says.
pub(super) fn size(path: &str, width: f64, height: f64) -> Result<[f64; 2], ImportError> {
    if [width, height].iter().all(|side| side.is_finite() && *side >= 1.0) {
        return Ok([width, height]);
    }
    let reason = format!("expected a width and a height of 1 pixel or more, found {width}×{height}");
    Err(ImportError::value(path, reason))
}

/// The corners x0 y0 x1 y1 of the box with the top left corner x y, and with a width and a height.
pub(super) fn of_sides([x, y, width, height]: [f64; 4]) -> [f64; 4] {
    [x, y, x + width, y + height]
}

/// Corners in the units of which `width` and `height` have that many, as fractions.
pub(super) fn fractions([x0, y0, x1, y1]: [f64; 4], [width, height]: [f64; 2]) -> [f64; 4] {
    [x0 / width, y0 / height, x1 / width, y1 / height]
}

/// The smallest box around points x y.
pub(super) fn around(points: &[[f64; 2]]) -> Option<[f64; 4]> {
    points
        .iter()
        .map(|&[x, y]| [x, y, x, y])
        .reduce(|[x0, y0, x1, y1], [x, y, ..]| [x0.min(x), y0.min(y), x1.max(x), y1.max(y)])
}

/// The box at `path` as a layout may have it, with what was done to that end.
pub(super) fn fitted(
    path: &str,
    corners: [f64; 4],
) -> Result<([f64; 4], impl Iterator<Item = &'static str>), ImportError> {
    let [x0, y0, x1, y1] = corners;
    let upright = [x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1)];
    let is_near = corners.iter().all(|corner| (-MAX_OVER..=1.0 + MAX_OVER).contains(corner));
    let is_inside =
        upright[..2].iter().all(|&corner| corner <= 1.0) && upright[2..].iter().all(|&c| c >= 0.0);
    if !is_near || !is_inside {
        return Err(ImportError::OutsideBox { path: path.into(), corners });
    }
    let cut = upright.map(|corner| corner.clamp(0.0, 1.0));
    let is_cut = upright.iter().zip(cut).any(|(before, after)| (before - after).abs() > ROUNDING);
    let repairs = [
        (upright != corners, "corners the wrong way round were put right"),
        (is_cut, "what reached over the picture's edge was cut off"),
    ];
    Ok((cut, repairs.into_iter().filter(|(is_done, _)| *is_done).map(|(_, what)| what)))
}
