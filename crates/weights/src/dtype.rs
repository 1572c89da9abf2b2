//! Types of numbers that checkpoints hold.

use std::fmt;

/// The type of a stored tensor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The names say it.
pub enum Dtype {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    /// One byte each, 0 or 1.
    Bool,
    /// A type that safetensors knows and nothing here reads (8-bit floats, complex numbers, …), by its name there.
    Other(&'static str),
}

impl Dtype {
    /// Bytes that one number takes; `None` for [`Dtype::Other`].
    pub fn size(self) -> Option<usize> {
        match self {
            Self::F64 | Self::I64 | Self::U64 => Some(8),
            Self::F32 | Self::I32 | Self::U32 => Some(4),
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => Some(2),
            Self::I8 | Self::U8 | Self::Bool => Some(1),
            Self::Other(_) => None,
        }
    }

    /// Its name in the header of a safetensors file.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::I64 => "I64",
            Self::I32 => "I32",
            Self::I16 => "I16",
            Self::I8 => "I8",
            Self::U64 => "U64",
            Self::U32 => "U32",
            Self::U16 => "U16",
            Self::U8 => "U8",
            Self::Bool => "BOOL",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<safetensors::Dtype> for Dtype {
    fn from(dtype: safetensors::Dtype) -> Self {
        use safetensors::Dtype as Stored;
        match dtype {
            Stored::F64 => Self::F64,
            Stored::F32 => Self::F32,
            Stored::F16 => Self::F16,
            Stored::BF16 => Self::BF16,
            Stored::I64 => Self::I64,
            Stored::I32 => Self::I32,
            Stored::I16 => Self::I16,
            Stored::I8 => Self::I8,
            Stored::U64 => Self::U64,
            Stored::U32 => Self::U32,
            Stored::U16 => Self::U16,
            Stored::U8 => Self::U8,
            Stored::BOOL => Self::Bool,
            Stored::F4 => Self::Other("F4"),
            Stored::F6_E2M3 => Self::Other("F6_E2M3"),
            Stored::F6_E3M2 => Self::Other("F6_E3M2"),
            Stored::F8_E5M2 => Self::Other("F8_E5M2"),
            Stored::F8_E4M3 => Self::Other("F8_E4M3"),
            Stored::F8_E8M0 => Self::Other("F8_E8M0"),
            Stored::F8_E4M3FNUZ => Self::Other("F8_E4M3FNUZ"),
            Stored::F8_E5M2FNUZ => Self::Other("F8_E5M2FNUZ"),
            Stored::C64 => Self::Other("C64"),
            _ => Self::Other("a type newer than this reader"),
        }
    }
}
