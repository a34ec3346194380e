//! Reading a reply field by field: every mistake names the call and the path of the field.
//!
//! Replies come from somebody else's node, so nothing here trusts a type, a range or a length, and nothing panics.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;
use serde_json::value::RawValue;

use super::RpcError;
use crate::protocol::wire::from_hex;
use crate::protocol::{Amount, ScriptBuf};

/// A value inside the reply to a call, knowing where it stands. The path is only written out when something is wrong.
#[derive(Clone, Copy)]
pub(super) struct Json<'a> {
    method: &'a str,
    value: &'a Value,
    at: At<'a>,
}

#[derive(Clone, Copy)]
enum At<'a> {
    Root,
    Key(&'a Json<'a>, &'a str),
    Index(&'a Json<'a>, usize),
    /// An element of a list that is read one by one, so that the whole list never is a tree in memory.
    Element(usize),
}

/// Reads a whole reply with `read`.
pub(super) fn parse<T>(
    method: &str,
    raw: &RawValue,
    read: impl FnOnce(&Json<'_>) -> Result<T, RpcError>,
) -> Result<T, RpcError> {
    let value = tree(method, raw.get(), || "result".to_owned())?;
    read(&Json {
        method,
        value: &value,
        at: At::Root,
    })
}

/// Reads a reply that is a list, one element after the other: time and memory grow with its length and no faster.
pub(super) fn parse_list<T>(
    method: &str,
    text: &str,
    mut read: impl FnMut(&Json<'_>) -> Result<T, RpcError>,
) -> Result<Vec<T>, RpcError> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| malformed(method, "result"))?;
    let mut all = Vec::with_capacity(elements.len());
    for (index, raw) in elements.into_iter().enumerate() {
        let value = tree(method, raw.get(), || format!("[{index}]"))?;
        all.push(read(&Json {
            method,
            value: &value,
            at: At::Element(index),
        })?);
    }
    Ok(all)
}

fn tree(method: &str, text: &str, field: impl FnOnce() -> String) -> Result<Value, RpcError> {
    // serde_json stops at 128 nested levels with an error.
    serde_json::from_str(text).map_err(|_| malformed(method, &field()))
}

pub(super) fn malformed(method: &str, field: &str) -> RpcError {
    RpcError::Malformed {
        method: method.to_owned(),
        field: field.to_owned(),
    }
}

impl<'a> Json<'a> {
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// `[3].state.lastPaidHeight`; `result` for the reply itself.
    pub fn path(&self) -> String {
        match self.at {
            At::Root => "result".to_owned(),
            At::Element(index) => format!("[{index}]"),
            At::Key(Json { at: At::Root, .. }, key) => key.to_owned(),
            At::Key(parent, key) => format!("{}.{key}", parent.path()),
            At::Index(parent, index) => format!("{}[{index}]", parent.path()),
        }
    }

    pub fn malformed(&self) -> RpcError {
        malformed(self.method, &self.path())
    }

    pub fn is_null(&self) -> bool {
        self.value.is_null()
    }

    pub fn is_object(&self) -> bool {
        self.value.is_object()
    }

    /// The field, or none if it is missing or null.
    ///
    /// # Errors
    /// This is no object.
    pub fn maybe<'b>(&'b self, key: &'b str) -> Result<Option<Json<'b>>, RpcError> {
        let object = self.value.as_object().ok_or_else(|| self.malformed())?;
        let found = object.get(key).filter(|value| !value.is_null());
        Ok(found.map(|value| Json {
            method: self.method,
            value,
            at: At::Key(self, key),
        }))
    }

    /// The field, which must be there.
    pub fn get<'b>(&'b self, key: &'b str) -> Result<Json<'b>, RpcError> {
        let missing = || {
            Json {
                method: self.method,
                value: self.value,
                at: At::Key(self, key),
            }
            .malformed()
        };
        self.maybe(key)?.ok_or_else(missing)
    }

    /// A field that may be missing, read with `read` where it is not.
    pub fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Json<'_>) -> Result<T, RpcError>,
    ) -> Result<Option<T>, RpcError> {
        self.maybe(key)?.map(|field| read(&field)).transpose()
    }

    pub fn items(&self) -> Result<impl Iterator<Item = Json<'_>>, RpcError> {
        let items = self.value.as_array().ok_or_else(|| self.malformed())?;
        Ok(items.iter().enumerate().map(|(index, value)| Json {
            method: self.method,
            value,
            at: At::Index(self, index),
        }))
    }

    /// Keys and values of an object.
    pub fn fields(&self) -> Result<impl Iterator<Item = (&str, Json<'_>)>, RpcError> {
        let fields = self.value.as_object().ok_or_else(|| self.malformed())?;
        Ok(fields.iter().map(|(key, value)| {
            let field = Json {
                method: self.method,
                value,
                at: At::Key(self, key),
            };
            (key.as_str(), field)
        }))
    }

    pub fn text(&self) -> Result<&'a str, RpcError> {
        self.value.as_str().ok_or_else(|| self.malformed())
    }

    pub fn text_owned(&self) -> Result<String, RpcError> {
        self.text().map(str::to_owned)
    }

    pub fn flag(&self) -> Result<bool, RpcError> {
        self.value.as_bool().ok_or_else(|| self.malformed())
    }

    /// A whole number from 0 on.
    pub fn u64(&self) -> Result<u64, RpcError> {
        self.value.as_u64().ok_or_else(|| self.malformed())
    }

    pub fn u32(&self) -> Result<u32, RpcError> {
        u32::try_from(self.u64()?).map_err(|_| self.malformed())
    }

    pub fn u16(&self) -> Result<u16, RpcError> {
        u16::try_from(self.u64()?).map_err(|_| self.malformed())
    }

    pub fn i64(&self) -> Result<i64, RpcError> {
        self.value.as_i64().ok_or_else(|| self.malformed())
    }

    /// A whole number, where -1 stands for "not set".
    pub fn unless_minus_one(&self) -> Result<Option<u32>, RpcError> {
        match self.i64()? {
            -1 => Ok(None),
            number => u32::try_from(number).map(Some).map_err(|_| self.malformed()),
        }
    }

    /// The digits of a number as the node wrote them, or a text.
    pub fn digits(&self) -> Result<String, RpcError> {
        match self.value {
            Value::Number(number) => Ok(number.to_string()),
            Value::String(text) => Ok(text.clone()),
            _ => Err(self.malformed()),
        }
    }

    /// Decimal coins, never through a floating-point number.
    pub fn coins(&self) -> Result<Amount, RpcError> {
        self.digits()?.parse().map_err(|_| self.malformed())
    }

    /// A hash as shown, or anything else that reads itself from a text.
    pub fn parsed<T: FromStr<Err: Display>>(&self) -> Result<T, RpcError> {
        self.text()?.parse().map_err(|_| self.malformed())
    }

    pub fn hex(&self) -> Result<Vec<u8>, RpcError> {
        from_hex(self.text()?).map_err(|_| self.malformed())
    }

    pub fn script(&self) -> Result<ScriptBuf, RpcError> {
        self.hex().map(ScriptBuf::from_bytes)
    }
}
