/* path.h -- makes a file's path absolute, so that a later chdir() of the host does not move it.
 *
 * Thread: any, as long as nobody changes the working directory meanwhile.
 * Memory: the result is appended to the caller's buffer.
 * Errors: only when the working directory itself is gone.
 */
#ifndef TRAIL_BASE_PATH_H
#define TRAIL_BASE_PATH_H

#include "base/buf.h"

/* Append `path`, made absolute against the working directory; symbolic links stay as they are, of
 * several slashes at the beginning one.
 * TRAIL_EIO: the working directory cannot be found out; nothing is appended. */
TRAIL_MUST_CHECK enum trail_err path_absolute(struct trail_text path, struct buf *out);

#endif
