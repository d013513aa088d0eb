//! Functions: what there are, and calls of them. They work before the provider is configured.

use std::collections::BTreeMap;

use tfplugin_proto::tfplugin6 as pb;

use super::{
    codec::{decode, encode},
    core::Call,
};
use crate::{
    diagnostic::Diagnostics,
    function::{FunctionError, Parameter, Signature},
    provider::Provider,
    value::Value,
};

impl<P: Provider> Call<P> {
    /// Only asked by hosts that miss a function in the schema.
    pub(super) async fn get_functions(
        &self,
        _: pb::get_functions::Request,
    ) -> Result<pb::get_functions::Response, Diagnostics> {
        Ok(pb::get_functions::Response {
            functions: self.functions(),
            ..Default::default()
        })
    }

    pub(super) fn functions(&self) -> BTreeMap<String, pb::Function> {
        let functions = self.core.catalog.functions.iter();
        functions
            .map(|(name, item)| ((*name).to_owned(), item.signature().to_wire()))
            .collect()
    }

    pub(super) async fn call_function(
        &self,
        request: pb::call_function::Request,
    ) -> Result<pb::call_function::Response, Diagnostics> {
        Ok(match self.result(&request) {
            Ok(result) => pb::call_function::Response {
                result,
                error: None,
            },
            Err(error) => pb::call_function::Response {
                result: None,
                error: Some(pb::FunctionError {
                    text: error.text,
                    function_argument: error.argument.and_then(|at| i64::try_from(at).ok()),
                }),
            },
        })
    }

    fn result(
        &self,
        request: &pb::call_function::Request,
    ) -> Result<Option<pb::DynamicValue>, FunctionError> {
        let name = request.name.as_str();
        let function = self.core.catalog.functions.get(name);
        let function = function
            .ok_or_else(|| FunctionError::new(format!("The provider has no function {name:?}.")))?;
        let signature = function.signature();
        let result = match arguments(signature, &request.arguments)? {
            Some(arguments) => function.call(arguments)?,
            None => Value::unknown(),
        };
        Ok(encode(&result, &signature.returns))
    }
}

/// One value for each parameter, the variadic one being a list. None when one is unknown whose
/// parameter does not allow it: then the result is unknown as well.
fn arguments(
    signature: &Signature,
    arguments: &[pb::DynamicValue],
) -> Result<Option<Vec<Value>>, FunctionError> {
    let fixed = signature.parameters.len();
    let fits = match signature.variadic {
        Some(_) => arguments.len() >= fixed,
        None => arguments.len() == fixed,
    };
    if !fits {
        let least = signature.variadic.as_ref().map_or("", |_| "at least ");
        let found = arguments.len();
        let text = format!("The number of arguments must be {least}{fixed}, but it is {found}.");
        return Err(FunctionError::new(text));
    }
    let mut values = Vec::with_capacity(arguments.len());
    let mut known = true;
    for (position, (parameter, argument)) in signature.positions().zip(arguments).enumerate() {
        let value = read(parameter, argument).map_err(|error| error.at(position))?;
        known &= parameter.allow_unknown || value.is_wholly_known();
        values.push(value);
    }
    if !known {
        return Ok(None);
    }
    if signature.variadic.is_some() {
        let rest = values.split_off(fixed);
        values.push(Value::List(rest));
    }
    Ok(Some(values))
}

fn read(parameter: &Parameter, argument: &pb::DynamicValue) -> Result<Value, FunctionError> {
    let value = decode(Some(argument), &parameter.ty).map_err(|found| {
        let detail = found.iter().next().map(|first| first.detail.clone());
        FunctionError::new(detail.unwrap_or_default())
    })?;
    let is_null = match &value {
        Value::Dynamic(inner) => inner.1.is_null(),
        other => other.is_null(),
    };
    if is_null && !parameter.allow_null {
        return Err(FunctionError::new("It must not be null."));
    }
    Ok(value)
}
