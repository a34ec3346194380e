//! One call: its method, its parameters, and the errors a node answers with (src/rpc/protocol.h).

use bitcoin::hashes::Hash;
use bitcoin::hex::FromHex;
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::dialect::Dialect;

pub const MISC: i32 = -1;
pub const TYPE: i32 = -3;
pub const ADDRESS: i32 = -5;
pub const PARAMETER: i32 = -8;
pub const NO_WALLET: i32 = -18;
pub const DESERIALIZATION: i32 = -22;
pub const VERIFY: i32 = -25;
pub const VERIFY_REJECTED: i32 = -26;
pub const ALREADY_IN_CHAIN: i32 = -27;
pub const INVALID_REQUEST: i32 = -32600;
pub const METHOD_NOT_FOUND: i32 = -32601;
pub const INTERNAL: i32 = -32603;
pub const PARSE_ERROR: i32 = -32700;

/// What a node answers instead of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    pub code: i32,
    pub message: String,
}

impl RpcError {
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new(PARAMETER, message)
    }

    pub fn method_not_found() -> Self {
        Self::new(METHOD_NOT_FOUND, "Method not found")
    }

    pub fn http_status(&self) -> StatusCode {
        match self.code {
            INVALID_REQUEST => StatusCode::BAD_REQUEST,
            METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub fn to_json(&self) -> Value {
        json!({ "code": self.code, "message": self.message })
    }
}

/// A request as far as it is well formed.
pub struct Call<'a> {
    pub method: &'a str,
    pub params: &'a [Value],
}

impl<'a> Call<'a> {
    /// # Errors
    /// -32600 for what is no request; named parameters, which nobody here needs, -8.
    pub fn read(request: &'a Value) -> Result<Self, RpcError> {
        let invalid = |message| RpcError::new(INVALID_REQUEST, message);
        let request = request.as_object().ok_or_else(|| invalid("Invalid Request object"))?;
        let method = match request.get("method") {
            None | Some(Value::Null) => return Err(invalid("Missing method")),
            Some(Value::String(method)) => method,
            Some(_) => return Err(invalid("Method must be a string")),
        };
        let params: &[Value] = match request.get("params") {
            None | Some(Value::Null) => &[],
            Some(Value::Array(params)) => params,
            Some(Value::Object(named)) => match named.keys().next() {
                None => &[],
                Some(name) => return Err(RpcError::parameter(format!("Unknown named parameter {name}"))),
            },
            Some(_) => return Err(invalid("Params must be an array or object")),
        };
        Ok(Self { method, params })
    }
}

/// Parameters of a method (behind its sub-command, if it has one), read as the dialect reads them.
pub struct Params<'a> {
    pub values: &'a [Value],
    pub dialect: Dialect,
}

impl<'a> Params<'a> {
    fn get(&self, index: usize) -> Option<&'a Value> {
        self.values.get(index).filter(|value| !value.is_null())
    }

    fn wrong_type(&self, kind: &str) -> RpcError {
        RpcError::new(
            self.dialect.pick(TYPE, MISC),
            format!("JSON value is not {kind} as expected"),
        )
    }

    /// The parameters behind the first.
    pub fn rest(&self) -> Params<'a> {
        Params {
            values: self.values.get(1..).unwrap_or_default(),
            dialect: self.dialect,
        }
    }

    pub fn opt_text(&self, index: usize) -> Result<Option<&'a str>, RpcError> {
        self.get(index)
            .map(|value| value.as_str().ok_or_else(|| self.wrong_type("a string")))
            .transpose()
    }

    pub fn text(&self, index: usize) -> Result<&'a str, RpcError> {
        self.opt_text(index)?.ok_or_else(|| self.wrong_type("a string"))
    }

    pub fn opt_integer(&self, index: usize) -> Result<Option<i64>, RpcError> {
        self.get(index)
            .map(|value| match value {
                Value::Number(number) => number.as_i64().ok_or_else(|| self.wrong_type("an integer")),
                // Sub-commands' numbers may come as text.
                Value::String(text) => text.trim().parse().map_err(|_| self.wrong_type("an integer")),
                _ => Err(self.wrong_type("an integer")),
            })
            .transpose()
    }

    pub fn integer(&self, index: usize) -> Result<i64, RpcError> {
        self.opt_integer(index)?.ok_or_else(|| self.wrong_type("an integer"))
    }

    /// A height in range of u32; out of range becomes a height no chain reaches.
    pub fn height(&self, index: usize) -> Result<u32, RpcError> {
        self.integer(index)
            .map(|height| u32::try_from(height).unwrap_or(u32::MAX))
    }

    pub fn opt_flag(&self, index: usize, name: &str) -> Result<Option<bool>, RpcError> {
        let Some(value) = self.get(index) else { return Ok(None) };
        let text = match value {
            Value::Bool(flag) => return Ok(Some(*flag)),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match text.to_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(Some(true)),
            "false" | "no" | "0" => Ok(Some(false)),
            _ => Err(RpcError::parameter(format!(
                "{name} must be true, false, yes, no, 1 or 0 (not '{text}')"
            ))),
        }
    }

    /// 32 bytes as RPCs print hashes.
    pub fn hash<T: Hash<Bytes = [u8; 32]>>(&self, index: usize, name: &str) -> Result<T, RpcError> {
        parse_hash(self.text(index)?, name, self.dialect)
    }

    pub fn value(&self, index: usize) -> Option<&'a Value> {
        self.get(index)
    }
}

/// # Errors
/// The node's words for a text that is no hash.
pub fn parse_hash<T: Hash<Bytes = [u8; 32]>>(text: &str, name: &str, dialect: Dialect) -> Result<T, RpcError> {
    let wrong = || {
        RpcError::parameter(match dialect {
            Dialect::Core23 if text.len() != 64 => {
                format!("{name} must be of length 64 (not {}, for '{text}')", text.len())
            }
            _ => format!("{name} must be hexadecimal string (not '{text}')"),
        })
    };
    let mut bytes = <[u8; 32]>::from_hex(text).map_err(|_| wrong())?;
    bytes.reverse();
    Ok(T::from_byte_array(bytes))
}
