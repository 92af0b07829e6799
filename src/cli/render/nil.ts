export { nilList, nilMap } from '../../oci/nil.ts'
