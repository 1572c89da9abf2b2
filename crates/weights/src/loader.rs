//! Fills a module's parameters, one walk through it.

use std::collections::BTreeMap;
use std::path::Path;

use burn::Tensor;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::TensorData;

use crate::entry::Entry;
use crate::floats::{floats, narrow};
use crate::parameters::ModulePath;
use crate::shape::significant;
use crate::{Dtype, KeyMap, LoadReport, Misshapen, NonFinite, NotFloat, Weights, WeightsError};

/// `module` with its parameters read from `weights`.
pub(crate) fn load<M: Module>(weights: &Weights, module: M, keys: &KeyMap) -> Result<M, WeightsError> {
    let Weights { path, entries, as_stored } = weights;
    let mut waiting: BTreeMap<String, (&str, &Entry)> = BTreeMap::new();
    for (key, entry) in entries {
        let Some(parameter) = keys.path(key) else { continue };
        if let Some((first, _)) = waiting.insert(parameter.clone(), (key, entry)) {
            let (first, second) = (first.to_owned(), key.clone());
            return Err(WeightsError::SameParameter { path: path.into(), parameter, first, second });
        }
    }

    let mut loader = Loader {
        file: path,
        as_stored: *as_stored,
        waiting,
        path: ModulePath::default(),
        report: LoadReport::default(),
        failed: None,
    };
    let module = module.map(&mut loader);
    if let Some(error) = loader.failed {
        return Err(error);
    }
    let mut report = loader.report;
    report.unused = loader.waiting.into_values().map(|(key, _)| key.to_owned()).collect();
    if report.is_clean() {
        return Ok(module);
    }
    report.sort();
    Err(WeightsError::Mismatch { path: path.into(), report: Box::new(report) })
}

struct Loader<'a> {
    file: &'a Path,
    /// Whether matrices of f16 and bf16 stay so.
    as_stored: bool,
    /// Tensors that no parameter has taken yet, by the path of the parameter they are for; with their key in the file.
    waiting: BTreeMap<String, (&'a str, &'a Entry)>,
    path: ModulePath,
    report: LoadReport,
    /// Why reading stopped; the rest of the walk does nothing.
    failed: Option<WeightsError>,
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, kind: &str) {
        self.path.enter(name, kind);
    }

    fn exit_module(&mut self, _name: &str, kind: &str) {
        self.path.exit(kind);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failed.is_some() {
            return param;
        }
        let key = self.path.key();
        let Some((name, entry)) = self.waiting.remove(&key) else {
            self.report.missing.push(key);
            return param;
        };
        let expected = param.lazy_shape().to_vec();
        let found = &entry.info.shape;
        if significant(found) != significant(&expected) {
            self.report.misshapen.push(Misshapen { key, expected, found: found.clone() });
            return param;
        }
        let read = if self.as_stored { entry.read_lasting() } else { entry.read() };
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(source) => {
                self.failed = Some(WeightsError::Tensor { path: self.file.into(), key: name.into(), source });
                return param;
            }
        };
        let dtype = entry.info.dtype;
        let stay = self.as_stored && expected.len() > 1 && matches!(dtype, Dtype::F16 | Dtype::BF16);
        let Some(floats) = (if stay { narrow(bytes, dtype) } else { floats(bytes, dtype) }) else {
            self.report.not_float.push(NotFloat { key, found: dtype });
            return param;
        };
        if floats.non_finite > 0 {
            let of = expected.iter().product();
            self.report.non_finite.push(NonFinite { key, count: floats.non_finite, of });
            return param;
        }
        self.report.loaded += 1;
        let data = TensorData::from_bytes(floats.bytes, expected, floats.dtype);
        let tensor = Tensor::from_data(data, (&param.lazy_device(), floats.dtype));
        let id = param.id;
        param.transform_for_load(tensor, id)
    }
}
