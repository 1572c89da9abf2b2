//! Writing a file so that it is there whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::Error;

/// A file on its way: written under a temporary name beside its own, which it gets once it is complete and on the
/// disk. Dropped before that, it leaves nothing behind.
///
/// What is not an ordinary file, such as a pipe or a terminal, cannot be replaced and is written straight away.
///
/// ```
/// use std::io::Write;
/// use gligen_pipeline::AtomicFile;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("cat.txt");
/// let mut file = AtomicFile::create(&path)?;
/// file.write_all(b"a cat")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"a cat");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    writer: BufWriter<File>,
    temporary: Option<TempPath>,
    path: PathBuf,
}

impl AtomicFile {
    /// Begins the file `path`. An older file of that name stays as it is until [`AtomicFile::commit`].
    ///
    /// # Errors
    /// The folder does not exist or cannot be written to.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let file_error = |source| Error::File { path: path.into(), source };
        // A link shall still be a link afterwards: its target is replaced.
        let target = path.canonicalize().unwrap_or_else(|_| path.into());
        if target.exists() && !target.is_file() {
            let file = File::options().write(true).open(&target).map_err(file_error)?;
            return Ok(Self { writer: BufWriter::new(file), temporary: None, path: target });
        }
        let (file, temporary) = temporary_beside(&target).map_err(file_error)?.into_parts();
        Ok(Self { writer: BufWriter::new(file), temporary: Some(temporary), path: target })
    }

    /// Finishes the file and gives it its name.
    ///
    /// # Errors
    /// What was written last does not fit on the disk, or the name cannot be given.
    pub fn commit(self) -> Result<(), Error> {
        let path = self.path.clone();
        self.finish(|temporary| temporary.persist(&path).map_err(io::Error::from))
            .map_err(|source| Error::File { path, source })
    }

    /// Finishes the file and gives it the first of `names` that no other file has; returns that name. Two programs
    /// that do this at the same time get different names.
    ///
    /// # Errors
    /// As [`AtomicFile::commit`]; or all names are taken.
    pub fn commit_new(self, names: impl IntoIterator<Item = PathBuf>) -> Result<PathBuf, Error> {
        let path = self.path.clone();
        let mut chosen = path.clone();
        self.finish(|mut temporary| {
            for name in names {
                match temporary.persist_noclobber(&name) {
                    Ok(()) => {
                        chosen = name;
                        return Ok(());
                    }
                    Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                        temporary = error.path
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Err(io::ErrorKind::AlreadyExists.into())
        })
        .map_err(|source| Error::File { path, source })?;
        Ok(chosen)
    }

    fn finish(self, name: impl FnOnce(TempPath) -> io::Result<()>) -> io::Result<()> {
        let Self { writer, temporary, .. } = self;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        let Some(temporary) = temporary else { return Ok(()) };
        // Before the renaming: after a power cut there must be the old file or the new one, not an empty one.
        file.sync_all()?;
        name(temporary)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// An empty file in the folder of `path`, with the permissions of any other new file.
fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".gligen-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666)); // the umask takes its share
        builder.tempfile_in(folder)
    }
    #[cfg(not(unix))]
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            folder.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_given_up_leaves_nothing_and_the_old_one_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(&[0; 100_000]).unwrap();
        drop(file);
        assert_eq!(names(folder.path()), ["a.png"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_new_file_takes_the_first_free_name() {
        let folder = tempfile::tempdir().unwrap();
        let name = |n: usize| folder.path().join(format!("{n}.png"));
        std::fs::write(name(0), "mine").unwrap();
        let mut file = AtomicFile::create(&name(0)).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(file.commit_new((0..9).map(name)).unwrap(), name(1));
        assert_eq!(std::fs::read(name(0)).unwrap(), b"mine");
        assert_eq!(names(folder.path()), ["0.png", "1.png"]);

        let file = AtomicFile::create(&name(0)).unwrap();
        assert!(file.commit_new((0..2).map(name)).is_err());
        assert_eq!(names(folder.path()), ["0.png", "1.png"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_device_is_an_error_and_still_a_device_afterwards() {
        let path = Path::new("/dev/full");
        let mut file = AtomicFile::create(path).unwrap();
        file.write_all(b"a cat").unwrap();
        let error = file.commit().unwrap_err();
        assert!(error.to_string().contains("No space left on device"), "{error}");
        assert!(!path.is_file());
    }

    #[test]
    #[cfg(unix)]
    fn a_link_stays_a_link_and_permissions_are_ordinary() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        std::fs::write(&target, "old").unwrap();
        let ordinary = target.metadata().unwrap().permissions().mode();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        AtomicFile::create(&link).unwrap().commit().unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&target).unwrap(), b"");
        assert_eq!(target.metadata().unwrap().permissions().mode(), ordinary);
    }
}
