//! The plain value that crosses the seams.

/// A picture of red, green and blue, 8 bits each, row by row from the top left. It has at least one pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

impl Picture {
    /// The picture of these pixels, three bytes each; `None` if their number is not `width · height`, or zero.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Option<Self> {
        let bytes = width.checked_mul(height)?.checked_mul(3)?;
        (bytes > 0 && rgb.len() == bytes).then_some(Self { width, height, rgb })
    }

    /// A black picture; `None` if a side is zero, or there is no memory for it.
    pub fn black(width: usize, height: usize) -> Option<Self> {
        let bytes = width.checked_mul(height)?.checked_mul(3)?;
        let mut rgb = Vec::new();
        rgb.try_reserve_exact(bytes).ok()?;
        rgb.resize(bytes, 0);
        Self::new(width, height, rgb)
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels, three bytes each, row by row.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The pixels alone.
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }

    /// The pixels, to be changed.
    pub fn rgb_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}×{})", self.width, self.height)
    }
}
