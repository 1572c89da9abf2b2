//! Paths of a module's parameters.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};

/// The floating-point parameters of `module` in the order of its fields: path joined by dots, and shape.
///
/// Waiting parameters stay so: nothing is initialised. The variant that an enum holds is no part of the path.
pub fn parameters<M: Module>(module: &M) -> Vec<(String, Vec<usize>)> {
    let mut list = List::default();
    module.visit(&mut list);
    list.parameters
}

/// The path from a module to where a walk through it stands.
#[derive(Default)]
pub(crate) struct ModulePath(Vec<String>);

impl ModulePath {
    /// Goes into the child `name` of a container of this `kind`.
    pub(crate) fn enter(&mut self, name: &str, kind: &str) {
        if !is_enum(kind) {
            self.0.push(name.into());
        }
    }

    /// Undoes the matching [`Self::enter`].
    pub(crate) fn exit(&mut self, kind: &str) {
        if !is_enum(kind) {
            self.0.pop();
        }
    }

    /// The names passed, joined by dots.
    pub(crate) fn key(&self) -> String {
        self.0.join(".")
    }
}

/// Burn reports the variant of an enum as a child of it; torch knows no such level.
fn is_enum(kind: &str) -> bool {
    kind.starts_with("Enum:")
}

#[derive(Default)]
struct List {
    path: ModulePath,
    parameters: Vec<(String, Vec<usize>)>,
}

impl ModuleVisitor for List {
    fn enter_module(&mut self, name: &str, kind: &str) {
        self.path.enter(name, kind);
    }

    fn exit_module(&mut self, _name: &str, kind: &str) {
        self.path.exit(kind);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.parameters.push((self.path.key(), param.lazy_shape().to_vec()));
    }
}
