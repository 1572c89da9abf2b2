//! Where a picture is repainted.

use gligen_components::Picture;

use crate::Object;

/// Greys of a mask from which on it says yes.
const LIGHT: u32 = 128;

/// Pixels around what is repainted in which it fades into what is kept.
const SEAM: usize = 8;

/// Which pixels of a picture are repainted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RepaintMask {
    width: usize,
    /// Row by row.
    repaint: Vec<bool>,
}

impl RepaintMask {
    /// The light pixels of `mask`.
    pub(crate) fn from_picture(mask: &Picture) -> Self {
        let grey = |pixel: &[u8]| pixel.iter().map(|&byte| u32::from(byte)).sum::<u32>() / 3;
        let repaint = mask.rgb().chunks_exact(3).map(|pixel| grey(pixel) >= LIGHT).collect();
        Self { width: mask.width(), repaint }
    }

    /// The boxes of `objects` in a picture of `width` × `height` pixels, in whole cells of `cell` × `cell`, because
    /// latents know nothing smaller. A box covers the cells from that of its first corner to the one before that of its
    /// second, as in the original; corners the wrong way round cover nothing.
    pub(crate) fn from_boxes(objects: &[Object], width: usize, height: usize, cell: usize) -> Self {
        let mut repaint = vec![false; width * height];
        // Truncated, as the original does it.
        let edge = |fraction: f64, side: usize| (fraction * (side / cell) as f64) as usize * cell;
        for [x0, y0, x1, y1] in objects.iter().map(|object| object.rect) {
            let (left, right) = (edge(x0, width), edge(x1, width));
            for y in edge(y0, height)..edge(y1, height) {
                if left < right {
                    repaint[y * width + left..y * width + right].fill(true);
                }
            }
        }
        Self { width, repaint }
    }

    fn height(&self) -> usize {
        self.repaint.len() / self.width
    }

    /// For each cell of `cell` × `cell` pixels, row by row, 1 if it is kept, and 0 if any pixel of it is repainted.
    pub(crate) fn kept_cells(&self, cell: usize) -> Vec<f32> {
        let columns = self.width / cell;
        let mut kept = vec![1.0; columns * (self.height() / cell)];
        for (y, row) in self.repaint.chunks_exact(self.width).enumerate() {
            for (x, _) in row.iter().enumerate().filter(|(_, repaint)| **repaint) {
                kept[y / cell * columns + x / cell] = 0.0;
            }
        }
        kept
    }

    /// `painted` where it is repainted, `original` where it is kept, and within [`SEAM`] pixels around what is repainted
    /// a mixture of both. All have the same size.
    pub(crate) fn restore(&self, original: &Picture, painted: &Picture) -> Picture {
        let mut restored = painted.clone();
        let pixels = restored.rgb_mut().chunks_exact_mut(3).zip(original.rgb().chunks_exact(3));
        for ((painted, original), distance) in pixels.zip(self.distances()) {
            // 1 inside, 0 from the end of the seam on, and at 0 exactly the original's bytes.
            let share = 1.0 - distance as f32 / (SEAM + 1) as f32;
            for (painted, &original) in painted.iter_mut().zip(original) {
                let difference = f32::from(*painted) - f32::from(original);
                *painted = (f32::from(original) + difference * share).round() as u8;
            }
        }
        restored
    }

    /// Steps of a king in chess from each pixel to the nearest that is repainted, at most `SEAM + 1`.
    fn distances(&self) -> Vec<usize> {
        let (width, height) = (self.width, self.height());
        let mut distances: Vec<usize> =
            self.repaint.iter().map(|&repaint| if repaint { 0 } else { SEAM + 1 }).collect();
        // Along the rows, then along the columns: the larger of both ways is the king's.
        let mut relax = |here: usize, neighbour: usize| {
            distances[here] = distances[here].min(distances[neighbour] + 1);
        };
        for y in 0..height {
            let row = y * width;
            (1..width).for_each(|x| relax(row + x, row + x - 1));
            (1..width).rev().for_each(|x| relax(row + x - 1, row + x));
        }
        let rows = distances;
        let mut distances = rows.clone();
        for y in 0..height {
            for other in y.saturating_sub(SEAM)..(y + SEAM + 1).min(height) {
                for x in 0..width {
                    let way = rows[other * width + x].max(y.abs_diff(other));
                    let here = &mut distances[y * width + x];
                    *here = (*here).min(way);
                }
            }
        }
        distances
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masks() -> impl Strategy<Value = RepaintMask> {
        (1usize..5, 1usize..5).prop_flat_map(|(columns, rows)| {
            let (width, height) = (columns * 8, rows * 8);
            prop::collection::vec(prop::bool::weighted(0.02), width * height)
                .prop_map(move |repaint| RepaintMask { width, repaint })
        })
    }

    fn pictures(mask: &RepaintMask) -> (Picture, Picture) {
        let picture = |factor: usize| {
            let rgb = (0..mask.repaint.len() * 3).map(|i| (i * factor % 251) as u8).collect();
            Picture::new(mask.width, mask.height(), rgb).unwrap()
        };
        (picture(7), picture(13))
    }

    fn object(rect: [f64; 4]) -> Object {
        Object::phrase("a cat", rect)
    }

    #[test]
    fn boxes_are_cells_with_their_corners_truncated() {
        // 8 × 4 cells; 0.3 · 8 = 2.4, 0.8 · 8 = 6.4, 0.25 · 4 = 1, 0.9 · 4 = 3.6.
        let mask = RepaintMask::from_boxes(&[object([0.3, 0.25, 0.8, 0.9])], 64, 32, 8);
        let kept = mask.kept_cells(8);
        let repainted: Vec<usize> = (0..kept.len()).filter(|&cell| kept[cell] == 0.0).collect();
        assert_eq!(repainted, [10, 11, 12, 13, 18, 19, 20, 21]);
    }

    #[test]
    fn boxes_without_area_and_upside_down_repaint_nothing() {
        for rect in [[0.0, 1.0, 0.0, 1.0], [0.9, 0.8, 0.2, 0.1], [0.5, 0.0, 0.5, 1.0]] {
            assert_eq!(RepaintMask::from_boxes(&[object(rect)], 64, 64, 8).kept_cells(8), [1.0; 64]);
        }
    }

    #[test]
    fn the_light_half_of_the_greys_says_yes() {
        let mask = Picture::new(3, 1, vec![127, 127, 127, 128, 128, 128, 255, 255, 255]).unwrap();
        assert_eq!(RepaintMask::from_picture(&mask).repaint, [false, true, true]);
    }

    proptest! {
        /// Against the definition, pixel by pixel.
        #[test]
        fn kept_pixels_are_the_originals_outside_the_seam(mask in masks()) {
            let (original, painted) = pictures(&mask);
            let restored = mask.restore(&original, &painted);
            let (original, painted, restored) = (original.rgb(), painted.rgb(), restored.rgb());
            let place = |pixel: usize| (pixel % mask.width, pixel / mask.width);
            let repainted: Vec<_> = (0..mask.repaint.len()).filter(|&p| mask.repaint[p]).map(place).collect();
            for pixel in 0..mask.repaint.len() {
                let (x, y) = place(pixel);
                let near = repainted.iter().map(|&(a, b)| x.abs_diff(a).max(y.abs_diff(b))).min();
                let bytes = pixel * 3..pixel * 3 + 3;
                if near == Some(0) {
                    prop_assert_eq!(&restored[bytes.clone()], &painted[bytes]);
                } else if near.is_none_or(|near| near > SEAM) {
                    prop_assert_eq!(&restored[bytes.clone()], &original[bytes]);
                } else {
                    for byte in bytes {
                        let (low, high) = (original[byte].min(painted[byte]), original[byte].max(painted[byte]));
                        prop_assert!((low..=high).contains(&restored[byte]));
                    }
                }
            }
        }

        #[test]
        fn a_cell_is_kept_if_all_its_pixels_are(mask in masks()) {
            let kept = mask.kept_cells(8);
            let columns = mask.width / 8;
            for (cell, kept) in kept.iter().enumerate() {
                let pixels = (0..64).map(|i| (cell / columns * 8 + i / 8) * mask.width + cell % columns * 8 + i % 8);
                prop_assert_eq!(*kept == 1.0, pixels.into_iter().all(|pixel| !mask.repaint[pixel]));
            }
        }

        #[test]
        fn a_mask_that_keeps_all_gives_the_picture(mut mask in masks()) {
            mask.repaint.fill(false);
            let (original, painted) = pictures(&mask);
            prop_assert_eq!(mask.restore(&original, &painted), original);
        }
    }
}
