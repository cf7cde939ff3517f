# One line per unit test, in the order of src/CMakeLists.txt.
unit_test(event/test_operation)
unit_test(event/test_review)
