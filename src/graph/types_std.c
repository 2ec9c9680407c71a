/* The types under `std/`, as data. Names and fields are dora's, since descriptors and messages depend on them. */
#include "graph/types_library.h"

#define F(name, type)                                                                                                  \
    {                                                                                                                  \
        name, type, false                                                                                              \
    }
#define FIELDS(...)                                                                                                    \
    .arrow = "Struct", .fields = (const struct types_field[]){__VA_ARGS__},                                            \
    .field_count = sizeof(struct types_field[]){__VA_ARGS__} / sizeof(struct types_field)
#define PARAMS(...)                                                                                                    \
    .params = (const struct types_param[]){__VA_ARGS__},                                                               \
    .param_count = sizeof(struct types_param[]){__VA_ARGS__} / sizeof(struct types_param)

const struct types_type types_std[] = {
    {"std/core/v1/Bool", "Boolean", .description = "True or false"},
    {"std/core/v1/Int8", "Int8", .description = "Signed integers of 8 bits"},
    {"std/core/v1/Int16", "Int16", .description = "Signed integers of 16 bits"},
    {"std/core/v1/Int32", "Int32", .description = "Signed integers of 32 bits"},
    {"std/core/v1/Int64", "Int64", .description = "Signed integers of 64 bits"},
    {"std/core/v1/UInt8", "UInt8", .description = "Unsigned integers of 8 bits"},
    {"std/core/v1/UInt16", "UInt16", .description = "Unsigned integers of 16 bits"},
    {"std/core/v1/UInt32", "UInt32", .description = "Unsigned integers of 32 bits"},
    {"std/core/v1/UInt64", "UInt64", .description = "Unsigned integers of 64 bits"},
    {"std/core/v1/Float32", "Float32", .description = "Floating-point numbers of 32 bits"},
    {"std/core/v1/Float64", "Float64", .description = "Floating-point numbers of 64 bits"},
    {"std/core/v1/String", "Utf8", .description = "Text in UTF-8"},
    {"std/core/v1/Bytes", "LargeBinary", .description = "Any bytes; takes every other type"},

    {"std/math/v1/Vector3", FIELDS(F("x", "Float64"), F("y", "Float64"), F("z", "Float64")),
     .description = "A vector in space"},
    {"std/math/v1/Quaternion", FIELDS(F("x", "Float64"), F("y", "Float64"), F("z", "Float64"), F("w", "Float64")),
     .description = "A rotation; w is the real part"},
    {"std/math/v1/Pose", FIELDS(F("position", "Vector3"), F("orientation", "Quaternion")),
     .description = "Where something is and how it is turned"},
    {"std/math/v1/Transform", FIELDS(F("translation", "Vector3"), F("rotation", "Quaternion")),
     .description = "How to get from one frame to another"},

    {"std/control/v1/Twist", FIELDS(F("linear", "Vector3"), F("angular", "Vector3")),
     .description = "Velocity along and about each axis"},
    {"std/control/v1/JointState",
     FIELDS(F("names", "List<Utf8>"), F("positions", "List<Float64>"), F("velocities", "List<Float64>"),
            F("efforts", "List<Float64>")),
     .description = "Joints by name, with position, velocity and effort of each"},
    {"std/control/v1/Odometry", FIELDS(F("pose", "Pose"), F("twist", "Twist"), F("frame_id", "Utf8")),
     .description = "Pose and velocity, seen from a named frame"},

    {"std/media/v1/Image",
     FIELDS(F("width", "UInt32"), F("height", "UInt32"), F("encoding", "Utf8"), F("data", "LargeBinary")),
     .description = "Pixels of an image in the encoding that it names"},
    {"std/media/v1/CompressedImage", "LargeBinary", .description = "An image as the bytes of a JPEG or PNG file"},
    {"std/media/v1/PointCloud", FIELDS(F("points", "LargeBinary"), F("width", "UInt32"), F("height", "UInt32")),
     .description = "Points in space, packed one after the other"},
    {"std/media/v1/AudioFrame", FIELDS(F("sample_rate", "UInt32"), F("channels", "UInt32"), F("data", "LargeBinary")),
     PARAMS({"sample_type", "f32"}), .description = "Samples of sound, channels interleaved"},

    {"std/vision/v1/BoundingBox",
     FIELDS(F("x", "Float32"), F("y", "Float32"), F("width", "Float32"), F("height", "Float32"),
            F("confidence", "Float32"), F("label", "Utf8")),
     .description = "A rectangle in an image, what it shows, and how sure that is"},
    {"std/vision/v1/Detection", FIELDS(F("boxes", "List<BoundingBox>")), .description = "What was found in an image"},
    {"std/vision/v1/Segmentation",
     FIELDS(F("width", "UInt32"), F("height", "UInt32"), F("num_classes", "UInt32"), F("mask", "LargeBinary"),
            F("class_names", "List<Utf8>")),
     .description = "The class of every pixel of an image"},
};
const size_t types_std_count = sizeof types_std / sizeof *types_std;
