# The command's own parts, in the order of cli/CMakeLists.txt.
unit_test(cli/test_suggest audittrail_cli)
unit_test(cli/test_options audittrail_cli)
unit_test(cli/test_when audittrail_cli)
unit_test(cli/test_figures audittrail_cli)
unit_test(cli/test_printable audittrail_cli)
unit_test(cli/test_table audittrail_cli)
unit_test(cli/test_csv audittrail_cli)
unit_test(cli/test_columns audittrail_cli)
