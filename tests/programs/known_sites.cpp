// build: -O0 -fno-inline
// known_sites PATH: lock calls in functions whose names, files and lines a test looks up in the report.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <vector>

namespace warehouse {

class Shelf {
public:
    explicit Shelf(int fd) : fd_(fd) {}

    int reserve(const std::vector<int> &items) {
        return flock(fd_, LOCK_EX) + static_cast<int>(items.size()); // the flock call
    }

    template<typename Count>
    Count count_parts(Count parts) {
        struct flock range = {};
        range.l_type = F_RDLCK;
        return parts + static_cast<Count>(fcntl(fd_, F_SETLKW, &range)); // the fcntl call
    }

private:
    int fd_;
};

int take_stock(Shelf &shelf) {
    int sum = shelf.reserve({1, 2, 3}); // the call of reserve
    sum += static_cast<int>(shelf.count_parts<long>(7L));
    return sum;
}

} // namespace warehouse

int main(int argc, char **argv) {
    if (argc != 2) {
        return 91;
    }
    const int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    warehouse::Shelf shelf(fd);
    return warehouse::take_stock(shelf) == 10 ? 0 : 1;
}
