/* What `reel-media --doctor` says: each layer of the cage, the libraries' versions, the image types
 * that can be decoded, whether the chosen encoder opens, the scripts that have a font, and the
 * languages and voices of the speech engine. JSON, for `reel doctor` to show. */
#ifndef MEDIA_DOCTOR_H
#define MEDIA_DOCTOR_H

#include "media/cage.h"
#include "media/encoder.h"

/* Writes to standard output; false when something required is missing. */
bool doctor_report(const struct cage *cage, const struct encoder_choice *choice);

#endif
