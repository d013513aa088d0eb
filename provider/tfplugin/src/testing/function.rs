//! Calls of functions.

use serde_json::Value as Json;
use tfplugin_proto::tfplugin6::{self as pb, provider_server::Provider as _};
use tonic::Request;

use super::{
    Host, UNKNOWN,
    input::{from_json, to_json},
    steps::{answered, sure},
};
use crate::{
    function::FunctionError,
    provider::Provider,
    server::codec::{decode, encode},
};

impl<P: Provider> Host<P> {
    /// Calls a function, whether or not the provider is configured. As in Terraform, an [`UNKNOWN`]
    /// argument whose parameter does not allow it makes the result [`UNKNOWN`], without a call.
    ///
    /// # Errors
    /// What the function says about its arguments.
    ///
    /// # Panics
    /// When there is no such function, and when it breaks a rule: the same arguments must give the same
    /// result, and known arguments a known one.
    pub async fn call(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = Json>,
    ) -> Result<Json, FunctionError> {
        let function = self.core.catalog().functions.get(name);
        let function = function.unwrap_or_else(|| panic!("no function {name}"));
        let signature = function.signature();
        let arguments: Vec<Json> = arguments.into_iter().collect();
        let mut known = true;
        let mut request = pb::call_function::Request {
            name: name.to_owned(),
            arguments: Vec::new(),
        };
        for (position, argument) in arguments.iter().enumerate() {
            // What is too much is sent too: the provider must refuse it, whatever its type.
            let parameter = signature.positions().nth(position);
            let ty = parameter.map_or(&signature.returns, |parameter| &parameter.ty);
            let value = match parameter {
                Some(_) => from_json(argument, ty),
                None => crate::Value::Null,
            };
            if !value.is_wholly_known() {
                known = false;
                if parameter.is_some_and(|parameter| !parameter.allow_unknown) {
                    return Ok(UNKNOWN.into());
                }
            }
            request.arguments.extend(encode(&value, ty));
        }
        let answer = self.ask(&request).await;
        assert_eq!(
            answer,
            self.ask(&request).await,
            "{name} gives two results for the same arguments"
        );
        if let Some(error) = answer.error {
            let at = error.function_argument;
            return Err(FunctionError {
                text: error.text,
                argument: at.map(|at| usize::try_from(at).expect("a position is not negative")),
            });
        }
        let result = sure(decode(answer.result.as_ref(), &signature.returns));
        assert!(
            !known || result.is_wholly_known(),
            "{name} gives an unknown result for known arguments"
        );
        Ok(to_json(&result))
    }

    async fn ask(&self, request: &pb::call_function::Request) -> pb::call_function::Response {
        let request = Request::new(request.clone());
        answered(self.service.call_function(request).await)
    }
}
