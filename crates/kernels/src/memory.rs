//! Memory for results, which is used again.
//!
//! A step of a network asks for the same few sizes over and over, and memory that comes from the system costs a fault for
//! each page and is cleared, which takes as long as some kernels do. So what a large result leaves behind is kept for
//! the next one of its size.

use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

use cubecl_environment::bytes::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};

/// Numbers of a result below which the allocator does well: 1 MiB.
const LARGE: usize = 1 << 18;
/// Numbers that are kept in all, at most: 192 MiB.
const KEPT: usize = 48 << 20;

/// What is kept, the oldest first.
static LEFT_BEHIND: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// Room for `count` numbers, whatever they are now: the caller writes every one.
pub(crate) fn for_results(count: usize) -> Vec<f32> {
    if count < LARGE {
        return vec![0.0; count];
    }
    let kept = {
        let mut left_behind = LEFT_BEHIND.lock().unwrap_or_else(PoisonError::into_inner);
        let place = left_behind.iter().rposition(|numbers| numbers.len() == count);
        place.map(|place| left_behind.remove(place))
    };
    if let Some(mut numbers) = kept {
        if cfg!(debug_assertions) {
            numbers.fill(f32::NAN); // A number that nobody writes shows in the tests.
        }
        return numbers;
    }
    let zeros = vec![0.0; count];
    #[cfg(target_os = "linux")]
    advise_large_pages(&zeros);
    zeros
}

/// `numbers` as a tensor holds them, kept once it is dropped if there are many.
pub(crate) fn bytes(numbers: Vec<f32>) -> Bytes {
    if numbers.len() < LARGE {
        return Bytes::from_elems(numbers);
    }
    let len = size_of_val(&*numbers);
    // SAFETY: all of the numbers are initialised.
    unsafe { Bytes::from_controller(Box::new(Recycled(numbers)), len) }
}

/// Keeps `numbers`, and gives back to the system what was kept longest when it is too much.
fn keep(numbers: Vec<f32>) {
    let mut left_behind = LEFT_BEHIND.lock().unwrap_or_else(PoisonError::into_inner);
    left_behind.push(numbers);
    let mut total = 0;
    let fit = left_behind.iter().rev().take_while(|numbers| {
        total += numbers.len();
        total <= KEPT
    });
    let too_many = left_behind.len() - fit.count();
    let released: Vec<_> = left_behind.drain(..too_many).collect();
    drop(left_behind);
    drop(released); // Without the lock: giving memory back takes its time.
}

/// Numbers of a tensor that are kept when it is dropped.
struct Recycled(Vec<f32>);

impl Drop for Recycled {
    fn drop(&mut self) {
        keep(std::mem::take(&mut self.0));
    }
}

impl AllocationController for Recycled {
    fn alloc_align(&self) -> usize {
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(&mut self, _: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let bytes = size_of_val(&*self.0);
        // SAFETY: the bytes of the numbers, of which each pattern is a number; the caller writes nothing else.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), bytes) })
    }

    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        // SAFETY: the bytes of the numbers.
        Ok(unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), size_of_val(&*self.0)) })
    }
}

/// Linux hands out memory in pages of 4 KiB, and takes longer to find them than a kernel takes to fill them; for a large
/// result it is asked for pages of 2 MiB.
#[cfg(target_os = "linux")]
fn advise_large_pages(numbers: &[f32]) {
    const LARGE: usize = 2 << 20;
    let range = numbers.as_ptr_range();
    let start = (range.start as usize).next_multiple_of(LARGE);
    let end = range.end as usize / LARGE * LARGE;
    if end > start {
        // SAFETY: the range lies inside of an allocation of this program, and the advice changes nothing that a
        // program can see, even if it is refused.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
    }
}
