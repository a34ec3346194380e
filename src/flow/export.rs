//! Tables for spreadsheets and scripts: the same rows as CSV, as TSV for the clipboard, and as JSON.

use serde_json::{Map, Value};

/// A table. Every row has a value for each column, in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Keys of the JSON objects and the first line of the others: named like Dash Core.
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    pub fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Objects as rows: the columns are the first one's keys. Values that are no plain ones become their JSON text.
    pub fn of_objects(objects: &[Value]) -> Self {
        let keys = objects.first().and_then(Value::as_object);
        let mut table = Self::new(keys.into_iter().flat_map(Map::keys).cloned());
        for object in objects {
            let cell = |key: &String| object.get(key).cloned().unwrap_or(Value::Null);
            table.rows.push(table.columns.iter().map(cell).collect());
        }
        table
    }

    /// Comma-separated (RFC 4180): a header, then a line per row. Nothing is an empty field.
    pub fn csv(&self) -> String {
        self.separated(b',', str::to_owned)
    }

    /// Tab-separated, as spreadsheets take it from the clipboard: tabs and line breaks within a value become spaces.
    pub fn tsv(&self) -> String {
        self.separated(b'\t', |text| text.replace(['\t', '\r', '\n'], " "))
    }

    /// An object per row.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Value>| -> Map<String, Value> {
            let pairs = self.columns.iter().zip(row);
            pairs.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        self.rows.iter().map(object).map(Value::Object).collect()
    }

    fn separated(&self, delimiter: u8, clean: impl Fn(&str) -> String) -> String {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_writer(Vec::new());
        let header = self.columns.iter().map(|column| clean(column));
        writer.write_record(header).expect("memory takes every line");
        for row in &self.rows {
            let cells = row.iter().map(|value| clean(&text(value)));
            writer.write_record(cells).expect("memory takes every line");
        }
        let bytes = writer.into_inner().expect("memory takes every line");
        String::from_utf8(bytes).expect("made of texts")
    }
}

/// A value as a field.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["proTxHash", "name", "posePenalty"]);
        table
            .rows
            .push(vec![json!("ab"), json!("one, \"two\"\tthree"), json!(66)]);
        table.rows.push(vec![json!("cd"), Value::Null, json!(0)]);
        table
    }

    #[test]
    fn fields_with_commas_and_quotes_are_quoted() {
        let lines = "proTxHash,name,posePenalty\nab,\"one, \"\"two\"\"\tthree\",66\ncd,,0\n";
        assert_eq!(table().csv(), lines);
    }

    #[test]
    fn a_tab_within_a_value_starts_no_new_column() {
        let text = table().tsv();
        assert!(text.lines().all(|line| line.matches('\t').count() == 2), "{text}");
    }

    #[test]
    fn what_is_read_back_is_what_was_written() {
        let text = table().csv();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let first = reader.records().next().expect("a row").expect("well-formed");
        assert_eq!(&first[1], "one, \"two\"\tthree");
    }

    #[test]
    fn json_has_an_object_per_row_with_the_columns_in_order() {
        let document = table().json();
        assert_eq!(document[1], json!({"proTxHash": "cd", "name": null, "posePenalty": 0}));
        assert_eq!(Table::of_objects(document.as_array().expect("a list")), table());
    }

    #[test]
    fn a_table_without_rows_has_its_header() {
        assert_eq!(Table::new(["a", "b"]).csv(), "a,b\n");
    }
}
