/* reel: the gateway and its command line. */
#include "app/command.h"
#include "edge/warden.h"

int main(int count, char **words)
{
    if (warden_is_meant(count, words)) /* a server started it, for a program of the user's */
        warden_run(count, words);
    return command_main(count, words);
}
