pub mod eip2333;
