//! The name that a file or folder has while it is made.
//!
//! It is the final name with a dot before and `.part` behind it, and is locked as long as its maker lives: what a killed
//! run has left is found and removed by the next one, what another run is making is not.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The file by which a folder in the making is locked.
const LOCK: &str = ".lock";

/// A file or folder in the making. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    to: PathBuf,
    /// The lock of a folder; a file is locked itself.
    lock: Option<File>,
}

impl Temporary {
    /// A new file beside `to`, open for reading and writing.
    pub(crate) fn file(to: &Path) -> io::Result<(File, Self)> {
        let path = beside(to)?;
        let file = retried(
            || File::options().read(true).write(true).create_new(true).open(&path),
            || File::open(&path),
            || fs::remove_file(&path),
        )?;
        let temporary = Self { path, to: to.into(), lock: None };
        hold(&file)?;
        Ok((file, temporary))
    }

    /// A new folder beside `to`.
    pub(crate) fn folder(to: &Path) -> io::Result<Self> {
        let path = beside(to)?;
        retried(|| fs::create_dir(&path), || File::open(path.join(LOCK)), || fs::remove_dir_all(&path))?;
        let mut temporary = Self { path, to: to.into(), lock: None };
        let lock = File::create_new(temporary.path.join(LOCK))?;
        hold(&lock)?;
        temporary.lock = Some(lock);
        Ok(temporary)
    }

    /// Where it is now.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name. What is in it must be on disk.
    pub(crate) fn publish(&mut self) -> io::Result<()> {
        if self.lock.take().is_some() {
            fs::remove_file(self.path.join(LOCK))?;
            sync_folder(&self.path)?;
        }
        fs::rename(&self.path, &self.to)?;
        // The name is on disk once its folder is.
        sync_folder(self.to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(".".as_ref()))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Nothing is there after the renaming, and an error has been reported by now.
        let _ = if self.lock.take().is_some() {
            fs::remove_dir_all(&self.path)
        } else {
            fs::remove_file(&self.path)
        };
    }
}

/// Puts a folder's list of names on disk; systems where folders cannot be opened do that by themselves.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        Err(_) => Ok(()),
    }
}

/// The temporary name for `to`.
fn beside(to: &Path) -> io::Result<PathBuf> {
    let Some(last) = to.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"));
    };
    let mut name = OsString::from(".");
    name.push(last);
    name.push(".part");
    Ok(to.with_file_name(name))
}

/// What `create` makes, after `remove` has taken away what a killed run has left in its place. It is known by the lock that
/// `open` finds there: nobody holds it any more.
fn retried<T>(
    create: impl Fn() -> io::Result<T>,
    open: impl Fn() -> io::Result<File>,
    remove: impl Fn() -> io::Result<()>,
) -> io::Result<T> {
    match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        created => return created,
    }
    match open() {
        Ok(lock) => hold(&lock)?,
        // Killed before there was a lock, or removed meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    match remove() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => create(),
    }
}

/// Locks `file` until it is closed.
fn hold(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "another run is writing it"))
        }
        // Some network file systems have no locks; then nobody is told apart from a killed run.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
