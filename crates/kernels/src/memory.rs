//! Memory for results.

/// `count` zeros.
///
/// Linux hands out memory in pages of 4 KiB, and takes longer to find them than a kernel takes to fill them; where a
/// result is large, it is asked for pages of 2 MiB.
pub(crate) fn zeros(count: usize) -> Vec<f32> {
    let zeros = vec![0.0; count];
    #[cfg(target_os = "linux")]
    advise_large_pages(&zeros);
    zeros
}

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
