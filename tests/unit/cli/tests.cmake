# The command's own parts, in the order of cli/CMakeLists.txt.
unit_test(cli/test_suggest audittrail_cli)
unit_test(cli/test_options audittrail_cli)
