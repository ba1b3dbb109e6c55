/// Which descriptors are duplicates of one another: those that the program made before any of them was used
/// in a lock call, when nothing is known yet of their open file, and the kernel's word for it. Private
/// memory, plain words: any context, errno untouched.
#pragma once

namespace flockstat::shim {

/// `copy` is a duplicate of `descriptor`, and neither is known.
void note_twins(int descriptor, int copy);

/// The next descriptor behind `after` (-1: from the start) that was once noted as a twin of `descriptor`; -1
/// where there is none. It may have been closed since, and be another file's.
[[nodiscard]] int next_twin(int descriptor, int after);

/// Are two descriptors of this process duplicates of one another? F_DUPFD_QUERY is Linux 6.10; kcmp may be
/// forbidden. Where neither answers they are taken for two.
[[nodiscard]] bool is_same_open_file(int one, int other);

} // namespace flockstat::shim
