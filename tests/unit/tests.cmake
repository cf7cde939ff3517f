# One line per unit test, in the order of src/CMakeLists.txt.
