// Package finetune fits a pretrained network to a site's own few hundred
// pictures, layer group by layer group.
//
// A [Plan] is a schedule as data: which group of layers thaws at which share
// of the training, with which learning rate and weight decay, after how many
// epochs of linear probing, with which augmentation. [NewPlan] makes the plans
// that are usually compared; the progressive ones follow Site-Level Fine-Tuning
// with Progressive Layer Freezing. [ReplaceHead] puts a new output on a network,
// [Groups] says where it can be frozen, [Train] fits it and [Predict] asks it.
//
// # The freeze line
//
// Layers below the lowest thawed group are a prefix that never was trained and
// never will be before it thaws. So the pretrained network is quantized once,
// and its int8 form, cut where the line is, stands for the prefix. Where
// pictures enter as they are, each goes through the prefix once for every place
// of the line and the bytes are kept; CutMix then mixes feature maps. Where
// pictures are augmented or mixed themselves, the prefix runs anew in every
// step, in float32 and without gradients.
//
// # What always holds
//
//   - One seed gives one result, with any number of workers, on one kind of
//     processor. (Training of whole layers in float32 promises no more.)
//   - Training that was stopped after any epoch goes on from its checkpoint to
//     the same bits.
//   - The network given to [Train] is not changed.
//   - Nothing here chooses by looking at samples that are not trained on: the
//     result is that of the last epoch.
//
// # Deviations from the paper
//
//   - Batch normalisation works with the running statistics of pretraining
//     everywhere, above the line as well: batches of eight say little, and
//     below the line they are folded into integers. Its scale and shift train.
//   - The loss is softmax cross-entropy over one output per class, where the
//     paper has one output and a sigmoid; so more than two classes work, and a
//     head has the rows that a federation exchanges.
//   - A group's learning rate is in the cycle from the first step, as there, but
//     Adam's bias correction counts the group's own steps.
package finetune
