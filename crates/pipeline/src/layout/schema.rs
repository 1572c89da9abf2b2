//! The layout file's JSON schema, for editors and for clients of the server.

use gligen_schedulers::SchedulerKind;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RestrictFormats;
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use super::keys::SCHEMA_KEY;
use crate::{InpaintMode, Layout, LayoutObject};

/// Where the schema is published; a layout file that names it in `$schema` is completed and checked by editors.
const ID: &str = "https://raw.githubusercontent.com/gligen-rs/gligen/main/docs/layout.schema.json";

impl Layout {
    /// The JSON schema (2020-12) of the layout file.
    ///
    /// ```
    /// let schema = gligen_pipeline::Layout::schema();
    /// assert_eq!(schema.get("required").unwrap(), &serde_json::json!(["prompt"]));
    /// ```
    pub fn schema() -> Schema {
        let settings = SchemaSettings::draft2020_12().for_deserialize();
        let mut schema = settings
            .with_transform(RestrictFormats::default())
            .into_generator()
            .into_root_schema_for::<Self>();
        schema.insert("$id".into(), ID.into());
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.insert(
                SCHEMA_KEY.into(),
                json!({"type": "string", "description": "The address of this schema."}),
            );
        }
        schema.insert("title".into(), "A layout of gligen".into());
        schema
    }
}

pub(super) fn texts(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
}

pub(super) fn object_lists(generator: &mut SchemaGenerator) -> Schema {
    let object = generator.subschema_for::<LayoutObject>();
    json_schema!({"anyOf": [
        {"type": "array", "items": object},
        {"type": "array", "items": {"type": "array", "items": object}},
    ]})
}

pub(super) fn inpaint_mode(_: &mut SchemaGenerator) -> Schema {
    let names = InpaintMode::ALL.map(InpaintMode::name).map(Some);
    one_of(&[&names[..], &[None]].concat())
}

pub(super) fn scheduler(_: &mut SchemaGenerator) -> Schema {
    let names = SchedulerKind::ALL.iter().map(|kind| Some(kind.name()));
    one_of(&names.chain([None]).collect::<Vec<_>>())
}

pub(super) fn seed(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["integer", "null"], "minimum": -1, "maximum": u64::MAX})
}

pub(super) fn compat(_: &mut SchemaGenerator) -> Schema {
    one_of(&[Some("diffusers"), None])
}

fn one_of(values: &[Option<&str>]) -> Schema {
    json_schema!({"enum": values})
}
