//! `--sheet`: all pictures of a run in one.

use std::io;
use std::path::{Path, PathBuf};

use gligen_pipeline::write_png;
use image::imageops::{FilterType, replace, resize};
use image::{Rgb, RgbImage};

use crate::failure::Failure;
use crate::output_path::Target;

/// Between pictures and around them, in pixels.
const MARGIN: u32 = 4;

/// The largest side of a sheet, in pixels: pictures are shrunk to fit.
const MAX_SIDE: u32 = 4096;

/// Writes the pictures of the files `pictures` into the file `path`, in this order, row by row.
pub(crate) fn write(pictures: &[PathBuf], path: &Path) -> Result<(), Failure> {
    let sizes = pictures.iter().map(|path| image::image_dimensions(path).map_err(|e| unreadable(path, e)));
    let grid = Grid::new(&sizes.collect::<Result<Vec<_>, _>>()?);
    let [width, height] = grid.size();
    let mut sheet = RgbImage::from_pixel(width, height, Rgb([255; 3]));
    for (index, path) in (0..).zip(pictures) {
        let picture = read(path)?;
        let [width, height] = [picture.width(), picture.height()].map(|side| grid.shrunk(side));
        let picture = match grid.scale {
            1.0 => picture,
            _ => resize(&picture, width, height, FilterType::Triangle),
        };
        let [left, top] = grid.corner(index);
        // In the middle of its cell, if others are larger.
        let (left, top) = (left + (grid.cell[0] - width) / 2, top + (grid.cell[1] - height) / 2);
        replace(&mut sheet, &picture, left.into(), top.into());
    }
    Target::Named(path.into()).write_all(1, |_, writer| write_png(writer, &sheet, &[]))?;
    Ok(())
}

/// A picture that was written before.
pub(crate) fn read(path: &Path) -> Result<RgbImage, Failure> {
    Ok(image::open(path).map_err(|error| unreadable(path, error))?.into_rgb8())
}

fn unreadable(path: &Path, error: image::ImageError) -> Failure {
    Failure::file(path, io::Error::other(error))
}

/// Where pictures stand on a sheet: in cells of one size, that of the largest.
struct Grid {
    columns: u32,
    rows: u32,
    /// Width and height.
    cell: [u32; 2],
    scale: f64,
}

impl Grid {
    /// For pictures of these widths and heights. It is about as wide as high.
    fn new(sizes: &[(u32, u32)]) -> Self {
        let pictures = (sizes.len() as u32).max(1);
        let width = sizes.iter().map(|size| size.0).max().unwrap_or(1);
        let height = sizes.iter().map(|size| size.1).max().unwrap_or(1);
        let square = (f64::from(pictures) * f64::from(height) / f64::from(width)).sqrt();
        let columns = (square.ceil() as u32).clamp(1, pictures.min(MAX_SIDE / (MARGIN + 1) - 1));
        let rows = pictures.div_ceil(columns);
        let room = |cells: u32| f64::from(MAX_SIDE.saturating_sub((cells + 1) * MARGIN)) / f64::from(cells);
        let scale = (room(columns) / f64::from(width)).min(room(rows) / f64::from(height)).min(1.0);
        let mut grid = Self { columns, rows, cell: [0; 2], scale };
        grid.cell = [width, height].map(|side| grid.shrunk(side));
        grid
    }

    fn shrunk(&self, side: u32) -> u32 {
        ((f64::from(side) * self.scale) as u32).max(1)
    }

    /// Width and height of the whole.
    fn size(&self) -> [u32; 2] {
        self.edges(self.columns, self.rows)
    }

    /// Left and top of cell `index`.
    fn corner(&self, index: u32) -> [u32; 2] {
        self.edges(index % self.columns, index / self.columns)
    }

    /// What lies left of a column and above a row.
    fn edges(&self, column: u32, row: u32) -> [u32; 2] {
        [MARGIN + column * (self.cell[0] + MARGIN), MARGIN + row * (self.cell[1] + MARGIN)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_about_square_and_never_too_large() {
        let shape = |sizes: &[(u32, u32)]| {
            let grid = Grid::new(sizes);
            (grid.columns, grid.rows, grid.size())
        };
        assert_eq!(shape(&[(128, 64)]), (1, 1, [136, 72]));
        assert_eq!(shape(&[(128, 128); 2]), (2, 1, [268, 136]));
        assert_eq!(shape(&[(128, 128); 5]), (3, 2, [400, 268]));
        assert_eq!(shape(&[(512, 64); 4]), (1, 4, [520, 276]));
        assert_eq!(shape(&[(64, 128), (128, 64)]), (2, 1, [268, 136]));
        for (pictures, size) in
            [(1, (8192, 8)), (100, (512, 512)), (5000, (768, 512)), (100_000, (512, 8192))]
        {
            let [width, height] = Grid::new(&vec![size; pictures]).size();
            assert!(width <= MAX_SIDE && height <= MAX_SIDE, "{pictures} of {size:?}: {width}×{height}");
        }
    }

    #[test]
    fn pictures_stand_in_cells_row_by_row() {
        let folder = tempfile::tempdir().unwrap();
        let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255]];
        let sizes = [(20, 10), (10, 20), (20, 20)];
        let mut paths = Vec::new();
        for (index, (colour, (width, height))) in colours.into_iter().zip(sizes).enumerate() {
            paths.push(folder.path().join(format!("{index}.png")));
            RgbImage::from_pixel(width, height, Rgb(colour)).save(&paths[index]).unwrap();
        }
        let path = folder.path().join("sheet.png");
        write(&paths, &path).unwrap();
        let sheet = read(&path).unwrap();
        assert_eq!(sheet.dimensions(), (52, 52));
        let white = [255; 3];
        for (x, y, colour) in [
            (4, 9, colours[0]),
            (4, 8, white), // it is 10 high, in the middle of 20
            (23, 18, colours[0]),
            (24, 14, white),
            (33, 4, colours[1]),
            (32, 4, white),
            (4, 28, colours[2]),
            (23, 47, colours[2]),
            (40, 40, white), // the fourth cell is empty
        ] {
            assert_eq!(sheet.get_pixel(x, y).0, colour, "{x} {y}");
        }
    }
}
