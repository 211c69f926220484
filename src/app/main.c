/* reel: the gateway and its command line. */
#include "app/command.h"

int main(int count, char **words)
{
    return command_main(count, words);
}
