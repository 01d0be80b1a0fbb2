// SPDX-License-Identifier: Apache-2.0
extern "C" double odeum_test_absent() { return 1.0; }
