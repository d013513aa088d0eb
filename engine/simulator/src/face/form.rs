//! The parameters of the two query protocols.

use std::collections::BTreeMap;

use drs_engine::sim::world::ApiError;

use crate::http::form_pairs;
use crate::service::Visit;

/// The parameters of a query request, from its body or its query string.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the parameters.
    pub(crate) fn read(visit: &Visit<'_, '_>) -> Result<Self, ApiError> {
        let malformed =
            || ApiError::new("MalformedQueryString", 400, "The query string is malformed");
        let body = std::str::from_utf8(&visit.request.body).map_err(|_| malformed())?;
        let text = if body.is_empty() {
            &visit.request.query
        } else {
            body
        };
        form_pairs(text).map(Self).ok_or_else(malformed)
    }

    /// One parameter.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The values of `Name.1`, `Name.2` and so on, in the order of their numbers.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let numbered = |found: &str| {
            let number = found.strip_prefix(name)?.strip_prefix('.')?;
            number.parse::<usize>().ok()
        };
        let mut values: Vec<(usize, &str)> = self
            .0
            .iter()
            .filter_map(|(found, value)| Some((numbered(found)?, value.as_str())))
            .collect();
        values.sort_unstable();
        values.into_iter().map(|(_, value)| value).collect()
    }

    /// The members of `Name.1.member`, `Name.2.member` and so on, in the order of their numbers.
    pub(crate) fn structures(&self, name: &str) -> Vec<Form> {
        let mut found: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
        for (parameter, value) in &self.0 {
            let numbered = parameter
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('.'))
                .and_then(|rest| rest.split_once('.'));
            if let Some((number, member)) = numbered
                && let Ok(number) = number.parse()
            {
                found
                    .entry(number)
                    .or_default()
                    .push((member.to_owned(), value.clone()));
            }
        }
        found.into_values().map(Form).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_the_order_of_their_numbers() {
        let pairs = form_pairs(
            "Id.10=j&Id.2=b&Filter.1.Name=n&Filter.1.Value.1=v&Filter.1.Value.2=w&Ids.1=x",
        )
        .unwrap();
        let form = Form(pairs);
        assert_eq!(form.list("Id"), ["b", "j"]);
        let filters = form.structures("Filter");
        assert_eq!(filters.len(), 1);
        assert_eq!(
            (filters[0].value("Name"), filters[0].list("Value")),
            (Some("n"), vec!["v", "w"])
        );
    }
}
