//! Between wire messages and values.

use std::collections::BTreeMap;

use tfplugin_proto::tfplugin6 as pb;

use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    path::Path,
    value::{ConversionError, Type, Value, json, msgpack},
};

/// A response that can carry diagnostics.
pub(crate) trait Answer: Default + Send + 'static {
    /// The same response with more diagnostics.
    fn with(self, diagnostics: &Diagnostics) -> Self;
}

macro_rules! answers {
    ($($module:ident),* $(,)?) => {
        $(impl Answer for pb::$module::Response {
            fn with(mut self, diagnostics: &Diagnostics) -> Self {
                self.diagnostics.extend(diagnostics.to_wire());
                self
            }
        })*
    };
}

answers!(
    get_metadata,
    get_provider_schema,
    validate_provider_config,
    configure_provider,
    get_functions,
    get_resource_identity_schemas,
    upgrade_resource_identity,
    validate_resource_config,
    validate_data_resource_config,
    upgrade_resource_state,
    read_resource,
    plan_resource_change,
    import_resource_state,
    move_resource_state,
    read_data_source,
    validate_action_config,
    plan_action,
);

impl Answer for pb::apply_resource_change::Response {
    /// After a crash the answer is what came with the request. The identity that came with a create is a
    /// plan, and where there is no state there must be none.
    fn with(mut self, diagnostics: &Diagnostics) -> Self {
        let state = self.new_state.as_ref();
        if state.is_none_or(|state| msgpack::is_null(&state.msgpack) && state.json.is_empty()) {
            self.new_identity = None;
        }
        self.diagnostics.extend(diagnostics.to_wire());
        self
    }
}

impl Answer for pb::call_function::Response {
    /// A function answers with one error and not with diagnostics, so the first one speaks for all.
    fn with(mut self, diagnostics: &Diagnostics) -> Self {
        self.error = diagnostics.iter().next().map(|first| pb::FunctionError {
            text: format!("{}: {}", first.summary, first.detail),
            function_argument: None,
        });
        self
    }
}

/// Reads a value of `ty`. Nothing at all means null.
pub(crate) fn decode(value: Option<&pb::DynamicValue>, ty: &Type) -> Result<Value, Diagnostics> {
    let Some(value) = value else {
        return Ok(Value::Null);
    };
    if value.msgpack.is_empty() && !value.json.is_empty() {
        return decode_json(&value.json, ty);
    }
    msgpack::decode(&value.msgpack, ty).map_err(malformed)
}

/// Reads a value that hosts only send once all of it is known, and names what is not. A provider would take an unknown
/// value for one that is not set, and do more, or read more, than was meant.
pub(crate) fn decode_known(
    value: Option<&pb::DynamicValue>,
    ty: &Type,
) -> Result<Value, Diagnostics> {
    known(decode(value, ty)?)
}

/// The same value when all of it is known.
pub(crate) fn known(value: Value) -> Result<Value, Diagnostics> {
    let unknown = value.unknown_places();
    if unknown.is_empty() {
        return Ok(value);
    }
    let errors = unknown.into_iter().map(|path| {
        let detail =
            format!("{path} is not known yet, and is needed here. Apply first what it depends on.");
        Diagnostic::error("Unknown Value", detail).at(path)
    });
    Err(errors.collect())
}

/// Reads a configuration block. A block that is left out is an empty one: a model cannot be read from null.
pub(crate) fn decode_block(
    value: Option<&pb::DynamicValue>,
    ty: &Type,
) -> Result<Value, Diagnostics> {
    match decode(value, ty)? {
        Value::Null => Ok(Value::Object(BTreeMap::new()).conform(ty)?),
        block => Ok(block),
    }
}

/// Reads the JSON form of a value of `ty`.
pub(crate) fn decode_json(bytes: &[u8], ty: &Type) -> Result<Value, Diagnostics> {
    json::decode(&parse_json(bytes)?, ty).map_err(malformed)
}

/// Writes a value of `ty`.
pub(crate) fn encode(value: &Value, ty: &Type) -> Option<pb::DynamicValue> {
    Some(pb::DynamicValue {
        msgpack: msgpack::encode(value, ty),
        json: Vec::new(),
    })
}

/// Reads JSON of any shape.
pub(crate) fn parse_json(bytes: &[u8]) -> Result<serde_json::Value, Diagnostics> {
    serde_json::from_slice(bytes).map_err(|error| {
        malformed(ConversionError {
            path: Path::root(),
            reason: format!("it is no JSON: {error}"),
        })
    })
}

/// A value that does not fit the schema. Its place is in the text too: a state and an argument of a function have no lines
/// that a host could show.
pub(crate) fn malformed(error: ConversionError) -> Diagnostics {
    let ConversionError { path, reason } = error;
    let what = if path == Path::root() {
        "A value".to_owned()
    } else {
        path.to_string()
    };
    let detail = format!("{what} does not have the type that the schema says: {reason}.");
    Diagnostic::error("Malformed Value", detail).at(path).into()
}
