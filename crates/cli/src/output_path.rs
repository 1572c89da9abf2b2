//! Where pictures go: names, and writing under them.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use gligen_pipeline::AtomicFile;

use crate::failure::Failure;
use crate::report;

/// Where the pictures of a run go.
#[derive(Debug)]
pub(crate) enum Target {
    /// Standard output, for one picture.
    Stdout,
    /// The file that the user named; several pictures get a number before the suffix.
    Named(PathBuf),
    /// The next free `gligen-NNNN.png` of this folder.
    NextFree(PathBuf),
}

impl Target {
    /// Reads `--output`, and finds out before the work what would be in its way after it.
    pub(crate) fn new(output: Option<PathBuf>) -> Result<Self, Failure> {
        let Some(path) = output else { return Ok(Self::NextFree(PathBuf::new())) };
        if path == Path::new("-") {
            if io::stdout().is_terminal() {
                return Err(Failure::arguments(
                    "a picture would be written to the terminal",
                    "give a file name, or send the output on: gligen … --output - > cat.png",
                ));
            }
            return Ok(Self::Stdout);
        }
        check_file(&path)?;
        Ok(Self::Named(path))
    }

    /// The folder that pictures are written into.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Stdout => Path::new(""),
            Self::Named(path) => path.parent().unwrap_or(Path::new("")),
            Self::NextFree(folder) => folder,
        }
    }

    /// The paths of this number of pictures, where they are known before anything is written.
    pub(crate) fn paths(&self, pictures: usize) -> Vec<PathBuf> {
        match self {
            Self::Named(path) => (0..pictures).map(|index| numbered(path, index, pictures)).collect(),
            Self::Stdout | Self::NextFree(_) => Vec::new(),
        }
    }

    /// Writes all pictures: `write` is given the number of a picture and where to write it. Returns their paths;
    /// none for standard output.
    pub(crate) fn write_all(
        &self,
        pictures: usize,
        mut write: impl FnMut(usize, &mut dyn Write) -> io::Result<()>,
    ) -> Result<Vec<PathBuf>, Failure> {
        let into_file = |path: &Path, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>| {
            let mut file = AtomicFile::create(path)?;
            write(&mut file).map_err(|source| Failure::file(path, source))?;
            Ok::<_, Failure>(file)
        };
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                report::written((0..pictures).try_for_each(|index| write(index, &mut stdout)))?;
                report::written(stdout.flush())?;
                Ok(Vec::new())
            }
            Self::Named(_) => {
                let paths = self.paths(pictures);
                for (index, path) in paths.iter().enumerate() {
                    into_file(path, &mut |writer| write(index, writer))?.commit()?;
                }
                Ok(paths)
            }
            Self::NextFree(folder) => {
                let mut paths = Vec::new();
                let mut number = next_number(folder).map_err(|source| Failure::file(".", source))?;
                for index in 0..pictures {
                    let name =
                        |number| numbered(&folder.join(format!("gligen-{number:04}.png")), index, pictures);
                    let file = into_file(&name(number), &mut |writer| write(index, writer))?;
                    // Another run may have taken the number meanwhile; the first picture settles it for all.
                    let last = if index == 0 { u32::MAX } else { number };
                    let mut tried = number;
                    let names = (number..=last).inspect(|number| tried = *number).map(name);
                    paths.push(file.commit_new(names)?);
                    number = tried;
                }
                Ok(paths)
            }
        }
    }
}

/// Refuses a path that no file can be written to: that of a folder, or in none.
pub(crate) fn check_file(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::arguments(
            format!("{}: this is a folder", path.display()),
            format!("name a file in it: {}", path.join("picture.png").display()),
        ));
    }
    check_folder(path)
}

/// Refuses a path whose folder does not exist.
pub(crate) fn check_folder(path: &Path) -> Result<(), Failure> {
    match path.parent().filter(|folder| *folder != Path::new("") && !folder.is_dir()) {
        None => Ok(()),
        Some(folder) => Err(Failure::arguments(
            format!("{}: no such folder: {}", path.display(), folder.display()),
            "create it first",
        )),
    }
}

/// `cat.png` for one picture, `cat-0.png`, `cat-1.png`, … for several.
fn numbered(path: &Path, index: usize, pictures: usize) -> PathBuf {
    if pictures == 1 { path.into() } else { with_suffix(path, &index.to_string()) }
}

/// `cat.png` with `boxes` is `cat-boxes.png`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push("-");
    name.push(suffix);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// One more than the highest number of a `gligen-NNNN….png` in `folder`, from 1.
fn next_number(folder: &Path) -> io::Result<u32> {
    let folder = if folder == Path::new("") { Path::new(".") } else { folder };
    let mut highest = 0;
    for entry in folder.read_dir()? {
        let name = entry?.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix("gligen-")) else { continue };
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        highest = highest.max(rest[..end].parse().unwrap_or(0));
    }
    Ok(highest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_the_suffix() {
        assert_eq!(numbered(Path::new("a/cat.png"), 0, 1), Path::new("a/cat.png"));
        assert_eq!(numbered(Path::new("a/cat.png"), 1, 2), Path::new("a/cat-1.png"));
        assert_eq!(numbered(Path::new("a.b/cat"), 1, 2), Path::new("a.b/cat-1"));
    }

    #[test]
    fn names_that_are_taken_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("gligen-0007-1.png"), "").unwrap();
        std::fs::write(folder.path().join("gligen-café.png"), "").unwrap();
        let target = Target::NextFree(folder.path().into());
        let names = |paths: Vec<PathBuf>| -> Vec<String> {
            paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_string()).collect()
        };
        let write = |index: usize, writer: &mut dyn Write| writer.write_all(&[index as u8]);
        assert_eq!(names(target.write_all(2, write).unwrap()), ["gligen-0008-0.png", "gligen-0008-1.png"]);
        assert_eq!(names(target.write_all(1, write).unwrap()), ["gligen-0009.png"]);
    }

    #[test]
    fn a_write_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::NextFree(folder.path().into());
        assert!(target.write_all(1, |_, _| Err(io::ErrorKind::StorageFull.into())).is_err());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
