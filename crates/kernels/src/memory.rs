//! Memory for results, which is used again.
//!
//! A step of a network asks for the same few sizes over and over, and memory that comes from the system costs a fault for
//! each page and is cleared, which takes as long as some kernels do. So what a large result leaves behind is kept for
//! the next one of its size, or of no less than half of it.

use std::mem::MaybeUninit;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cubecl_environment::bytes::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};

use crate::IN_MIRI;

/// Numbers of a result below which the allocator does well: 1 MiB.
const LARGE: usize = (1 << 18) / IN_MIRI.pow(5);
/// Kept numbers up to which none are given back, whatever is asked for next: 192 MiB.
const KEPT: usize = 192 * LARGE;

/// What is kept, the oldest first.
static LEFT_BEHIND: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// See [`release_memory`](crate::release_memory).
pub(crate) fn release() {
    let released = std::mem::take(&mut *left_behind());
    drop(released); // Without the lock, as giving back takes its time.
}

fn left_behind() -> MutexGuard<'static, Vec<Vec<f32>>> {
    LEFT_BEHIND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Room for `count` numbers, whatever they are now: the caller writes every one.
pub(crate) fn for_results(count: usize) -> Vec<f32> {
    let mut numbers =
        if count < LARGE { vec![0.0; count] } else { take(count).unwrap_or_else(|| large(count)) };
    if cfg!(debug_assertions) {
        numbers.fill(f32::NAN); // A number that nobody writes shows in the tests.
    }
    numbers
}

/// Room for `count` numbers, many, that nobody has used before.
fn large(count: usize) -> Vec<f32> {
    let numbers = vec![0.0; count];
    #[cfg(target_os = "linux")]
    advise_large_pages(&numbers);
    numbers
}

/// What has been left behind and has room for `count` numbers, but not for more than twice as many. Where there is nothing,
/// as much of other sizes is given back if much is kept, so that there is hardly ever more memory than was once in use.
fn take(count: usize) -> Option<Vec<f32>> {
    let mut kept = left_behind();
    let places = (0..kept.len()).rev().filter(|&place| (count..=2 * count).contains(&kept[place].capacity()));
    if let Some(place) = places.min_by_key(|&place| kept[place].capacity()) {
        let mut numbers = kept.remove(place);
        drop(kept);
        numbers.resize(count, 0.0);
        return Some(numbers);
    }
    let mut released = Vec::new();
    if kept.iter().map(Vec::capacity).sum::<usize>() + count > KEPT {
        let mut room = 0;
        let is_enough = |numbers: &Vec<f32>| {
            room += numbers.capacity();
            room >= count
        };
        let last = kept.iter().position(is_enough);
        let enough = last.map_or(kept.len(), |last| last + 1);
        released.extend(kept.drain(..enough));
    }
    drop(kept);
    drop(released); // Without the lock, as above.
    None
}

/// `numbers` as a tensor holds them, kept once it is dropped if there are many.
pub(crate) fn bytes(numbers: Vec<f32>) -> Bytes {
    if numbers.len() < LARGE {
        return Bytes::from_elems(numbers);
    }
    let len = size_of_val(&*numbers);
    // SAFETY: all of the numbers are initialised, and a vector may go to any thread, as `Bytes` do.
    unsafe { Bytes::from_controller(Box::new(Recycled(numbers)), len) }
}

/// Numbers of a tensor that are kept when it is dropped.
struct Recycled(Vec<f32>);

impl Drop for Recycled {
    fn drop(&mut self) {
        left_behind().push(std::mem::take(&mut self.0));
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
        // SAFETY: the bytes of the numbers, which are borrowed as long; the caller leaves them initialised, and then they
        // are numbers whatever they are.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), bytes) })
    }

    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        // SAFETY: the bytes of the numbers, which are borrowed as long.
        Ok(unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), size_of_val(&*self.0)) })
    }
}

/// Linux hands out memory in pages of 4 KiB, and takes longer to find them than a kernel takes to fill them; for a large
/// result it is asked for pages of 2 MiB.
#[cfg(target_os = "linux")]
fn advise_large_pages(numbers: &[f32]) {
    const PAGE: usize = 2 << 20;
    let range = numbers.as_ptr_range();
    let start = (range.start as usize).next_multiple_of(PAGE);
    let end = range.end as usize / PAGE * PAGE;
    if end > start {
        // SAFETY: the range lies inside of an allocation of this program, and the advice changes nothing that a
        // program can see, even if it is refused.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No other test asks for a size from [`LARGE`] to this one.
    const COUNT: usize = LARGE + 43;

    /// Held by a test that must find what it has left behind, and by one that makes room.
    static ALONE: Mutex<()> = Mutex::new(());

    #[test]
    fn what_a_tensor_leaves_behind_is_the_next_ones_and_holds_nothing_of_it() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let first = bytes(vec![3.0; COUNT]);
        let place = first.as_ptr();
        drop(first);
        let again = for_results(COUNT);
        assert_eq!(again.as_ptr().cast(), place);
        if cfg!(debug_assertions) {
            assert!(again.iter().all(|x| x.is_nan()), "what nobody has written yet is marked");
        }
        let other = for_results(COUNT);
        assert_ne!(other.as_ptr().cast(), place, "the first is still in use");
    }

    #[test]
    fn what_is_left_behind_serves_no_less_than_half_of_it() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let first = bytes(vec![3.0; 3 * LARGE]);
        let place = first.as_ptr();
        drop(first);
        let short = for_results(LARGE);
        assert_ne!(short.as_ptr().cast(), place, "it is too long for that");
        let again = for_results(2 * LARGE);
        assert_eq!((again.as_ptr().cast(), again.len()), (place, 2 * LARGE));
    }

    #[test]
    fn a_tensor_is_changed_in_its_place() {
        let mut tensor = bytes(vec![1.0; LARGE]);
        let place = tensor.as_ptr();
        tensor[..4].copy_from_slice(&2.0f32.to_ne_bytes());
        assert_eq!(tensor.as_ptr(), place);
        assert_eq!(tensor[..8], [2.0f32.to_ne_bytes(), 1.0f32.to_ne_bytes()].concat());
    }

    #[test]
    fn other_sizes_make_room() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let total = || left_behind().iter().map(Vec::capacity).sum::<usize>();
        for step in 0..40 {
            drop(bytes(for_results(KEPT / 8 + step)));
        }
        assert!(total() <= 2 * KEPT, "{} numbers are kept", total());
    }
}
