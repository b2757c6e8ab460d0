"""How a graph is said in C++: names, sizes, element types, expressions and small functions."""
