//! A table with rows put in and added, as a vocabulary gets new words.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use crate::derived::Derived;
use crate::entry::{Data, Entry};
use crate::{Dtype, Part, TensorInfo, Weights, WeightsError};

/// A stored table under new rows.
#[derive(Debug)]
struct Rows {
    table: Entry,
    width: usize,
    count: usize,
    rows: BTreeMap<usize, Vec<f32>>,
}

impl Derived for Rows {
    fn numbers(&self) -> io::Result<Vec<f32>> {
        let mut numbers = self.table.numbers()?;
        numbers.resize(self.count * self.width, 0.0);
        for (&row, values) in &self.rows {
            numbers[row * self.width..(row + 1) * self.width].copy_from_slice(values);
        }
        Ok(numbers)
    }
}

impl Weights {
    /// These weights, of the network `part`, with `rows` in the table `parameter`: in the place of rows that there are,
    /// and after them. What lies between the last row and a new one is zero.
    ///
    /// # Errors
    ///
    /// A table that is not there or has other axes than two, and rows of another width.
    pub fn with_rows(
        mut self,
        part: Part,
        parameter: &str,
        rows: BTreeMap<usize, Vec<f32>>,
    ) -> Result<Self, WeightsError> {
        let keys = part.key_map();
        let found = self.entries.keys().find(|key| keys.path(key).as_deref() == Some(parameter)).cloned();
        let key = found.unwrap_or_else(|| parameter.into());
        let refused = |problem: String| WeightsError::Tensor {
            path: self.path.clone(),
            key: key.clone(),
            source: io::Error::new(io::ErrorKind::InvalidData, problem),
        };
        let Some(table) = self.entries.get(&key) else { return Err(refused("no such tensor".into())) };
        let &[length, width] = table.info.shape.as_slice() else {
            return Err(refused(format!("expected a table, found shape {:?}", table.info.shape)));
        };
        if let Some(row) = rows.values().find(|row| row.len() != width) {
            return Err(refused(format!("expected rows of {width} numbers, found one of {}", row.len())));
        }
        let count = rows.last_key_value().map_or(length, |(&last, _)| length.max(last + 1));
        if let Some(table) = self.entries.remove(&key) {
            let info = TensorInfo { dtype: Dtype::F32, shape: vec![count, width] };
            let data = Data::Derived(Arc::new(Rows { table, width, count, rows }));
            self.entries.insert(key, Entry { info, data });
        }
        Ok(self)
    }
}
