// SPDX-License-Identifier: Apache-2.0
// The three standard streams of the tool.
#pragma once

namespace odeum::cli {

/// Opens /dev/null in the place of each standard stream that is closed: the next file opened would
/// get its number, and with it the text that is meant for the stream.
void open_closed_streams();

/// `status`, or, where that is success, failure if what was printed on standard output could not be
/// written; standard error says why. A reader that has gone away wanted no more.
int with_output_written(int status);

}  // namespace odeum::cli
