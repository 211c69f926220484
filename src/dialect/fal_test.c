#include "dialect/fal.h"

#include "dialect/vendor_test_rig.h"

int main(int count, char **arguments)
{
    return vendor_rig_main(count, arguments);
}
