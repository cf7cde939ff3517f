/* err.h -- fills in the caller's struct trail_error.
 *
 * Thread: any.
 * Memory: the message is cut to fit; nothing is allocated.
 * Errors: none.
 */
#ifndef TRAIL_BASE_ERR_H
#define TRAIL_BASE_ERR_H

#include "audittrail.h"

/* Describe a failure in *ret_error (may be NULL) and return `code`, so that a caller can say
 * `return error_set(ret_error, TRAIL_EINVAL, 0, "...")`. */
__attribute__((format(printf, 4, 5))) enum trail_err error_set(struct trail_error *ret_error, enum trail_err code,
                                                               int sys_errno, const char *format, ...);

/* The same with strerror(sys_errno) after a colon: "cannot create /x: No space left on device". */
__attribute__((format(printf, 4, 5))) enum trail_err error_set_sys(struct trail_error *ret_error, enum trail_err code,
                                                                   int sys_errno, const char *format, ...);

#endif
