//! Between wire messages and values.

use std::collections::BTreeMap;

use tfplugin_proto::tfplugin6 as pb;

use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    value::{Type, Value, json, msgpack},
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
    msgpack::decode(&value.msgpack, ty).map_err(|error| malformed(&error))
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
    let value = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    json::decode(&value, ty).map_err(|error| malformed(&error))
}

/// Writes a value of `ty`.
pub(crate) fn encode(value: &Value, ty: &Type) -> Option<pb::DynamicValue> {
    Some(pb::DynamicValue {
        msgpack: msgpack::encode(value, ty),
        json: Vec::new(),
    })
}

/// A value that does not fit the schema.
pub(crate) fn malformed(error: &dyn std::error::Error) -> Diagnostics {
    Diagnostic::error(
        "Malformed Value",
        format!("A value does not have the type that the schema says: {error}."),
    )
    .into()
}
